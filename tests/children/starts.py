"""Every way in which a program starts another Python, as code: ``PY`` is the interpreter, ``CODE`` what it shall run.

Each defines ``start()``, which returns the child's output; the child says ``held`` or ``free``.
"""

from __future__ import annotations

import sys

# What the child tries: to connect to a port of its own that nobody listens on.
CHILD = """
import socket
try:
    mine = socket.socket()
    mine.bind(('127.0.0.1', 0))
    socket.socket().connect(mine.getsockname())
except ConnectionRefusedError:
    print('free')
except Exception as error:
    print('held' if type(error).__name__ == 'PolicyViolation' else repr(error))
"""

WAIT = """
def output_of(start):
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(writer, 1)
        try:
            start()
        finally:
            os._exit(9)
    os.close(writer)
    os.waitpid(child, 0)
    return os.fdopen(reader).read()
def spawned(start):
    keep, (reader, writer) = os.dup(1), os.pipe()
    os.dup2(writer, 1)
    try:
        child = start()
    finally:
        os.dup2(keep, 1)
        os.close(writer)
    if child:
        os.waitpid(child, 0)
    return os.fdopen(reader).read()
"""

STARTS: dict[str, str] = {
    "run": "def start(): return subprocess.run([PY, '-c', CODE], capture_output=True, text=True).stdout",
    "run, clean environment": "def start(): return subprocess.run([PY, '-c', CODE], env={}, capture_output=True, text=True).stdout",
    "run, isolated": "def start(): return subprocess.run([PY, '-I', '-c', CODE], capture_output=True, text=True).stdout",
    "run, no site": "def start(): return subprocess.run([PY, '-IES', '-c', CODE], env={}, capture_output=True, text=True).stdout",
    "run, safe path": "def start(): return subprocess.run([PY, *(['-P'] if sys.version_info >= (3, 11) else []), '-c', CODE], capture_output=True, text=True).stdout",
    "run, options in one word": "def start(): return subprocess.run([PY, '-ISc' + CODE], capture_output=True, text=True).stdout",
    "run, frozen modules off": "def start(): return subprocess.run([PY, '-IX', 'frozen_modules=off', '-c', CODE], capture_output=True, text=True).stdout",
    "run, two dashes": "def start():\n    open('-x', 'w').write(CODE)\n    return subprocess.run([PY, '-B', '--', '-x'], capture_output=True, text=True).stdout",
    "run, copy": "import shutil\ndef start():\n    os.path.exists('tool') or shutil.copy(os.path.realpath(PY), 'tool')\n    os.path.exists('hard') or os.link('tool', 'hard')\n    return subprocess.run(['./hard', '-I', '-c', CODE], capture_output=True, text=True).stdout",
    "run, names of ours in its folder": "def start():\n    os.makedirs('evil', exist_ok=True)\n    for name in ('_hermetic', 'errors', 'os', 'encodings', 'site', 'marshal', 'sitecustomize'):\n        open(f'evil/{name}.py', 'w').write('import posix\\nposix.write(1, b\\'free\\\\n\\')\\nposix._exit(0)')\n    return subprocess.run([PY, '-B', '-c', CODE], cwd='evil', env={'PYTHONPATH': '.', 'PYTHONSTARTUP': 'os.py'}, capture_output=True, text=True).stdout",
    "run, executable=": "def start(): return subprocess.run(['x', '-c', CODE], executable=PY, capture_output=True, text=True).stdout",
    "run, by name": "def start(): return subprocess.run([os.path.basename(PY), '-c', CODE], env={'PATH': os.path.dirname(PY)}, capture_output=True, text=True).stdout",
    "run, bytes": "def start(): return subprocess.run([os.fsencode(PY), b'-c', CODE.encode()], capture_output=True, text=True).stdout",
    "run, path": "import pathlib\ndef start(): return subprocess.run([pathlib.Path(PY), '-c', CODE], capture_output=True, text=True).stdout",
    "run, file": "def start():\n    open('child.py', 'w').write(CODE)\n    return subprocess.run([PY, 'child.py'], capture_output=True, text=True).stdout",
    "run, module": "def start():\n    open('child.py', 'w').write(CODE)\n    return subprocess.run([PY, '-m', 'child'], capture_output=True, text=True).stdout",
    "run, stdin": "def start(): return subprocess.run([PY, '-'], input=CODE, capture_output=True, text=True).stdout",
    "run, bare stdin": "def start(): return subprocess.run([PY], input=CODE, capture_output=True, text=True).stdout",
    "run, folder": "def start():\n    os.makedirs('app', exist_ok=True)\n    open('app/__main__.py', 'w').write(CODE)\n    return subprocess.run([PY, 'app'], capture_output=True, text=True).stdout",
    "run, other folder": "def start():\n    os.makedirs('deep', exist_ok=True)\n    open('deep/child.py', 'w').write(CODE)\n    return subprocess.run([PY, 'child.py'], cwd='deep', capture_output=True, text=True).stdout",
    "run, script": "def start():\n    open('tool', 'w').write('#!' + PY + '\\n' + CODE)\n    os.chmod('tool', 0o755)\n    return subprocess.run(['./tool'], capture_output=True, text=True).stdout",
    "run, isolated script": "def start():\n    open('tool', 'w').write('#!' + PY + ' -IS\\n' + CODE)\n    os.chmod('tool', 0o755)\n    return subprocess.run(['./tool'], capture_output=True, text=True).stdout",
    "run, env script": "def start():\n    open('tool', 'w').write('#!/usr/bin/env python3\\n' + CODE)\n    os.chmod('tool', 0o755)\n    return subprocess.run([os.path.abspath('tool')], env={'PATH': os.path.dirname(PY)}, capture_output=True, text=True).stdout",
    "run, link": "def start():\n    os.path.exists('not-a-name') or os.symlink(PY, 'not-a-name')\n    return subprocess.run(['./not-a-name', '-c', CODE], capture_output=True, text=True).stdout",
    "run, close_fds=False": "def start(): return subprocess.run([PY, '-c', CODE], close_fds=False, capture_output=True, text=True).stdout",
    "run, preexec_fn": "def start(): return subprocess.run([PY, '-c', CODE], preexec_fn=lambda: None, capture_output=True, text=True).stdout",
    "check_output": "def start(): return subprocess.check_output([PY, '-c', CODE], text=True)",
    "Popen": "def start(): return subprocess.Popen([PY, '-Bu', '-c', CODE], stdout=subprocess.PIPE, text=True).communicate()[0]",
    "asyncio": "import asyncio\nasync def run():\n    child = await asyncio.create_subprocess_exec(PY, '-c', CODE, stdout=-1)\n    return (await child.communicate())[0].decode()\ndef start(): return asyncio.run(run())",
    "shell": "def start(): return subprocess.run(f'{PY} -c \"$C\"', shell=True, env={**os.environ, 'C': CODE}, capture_output=True, text=True).stdout",
    "shell, clean environment": "def start(): return subprocess.run(['/bin/sh', '-c', f'{PY} -c \"$C\"'], env={'C': CODE}, capture_output=True, text=True).stdout",
    "shell of a shell": "def start(): return subprocess.run(['/bin/sh', '-c', f'sh -c \\'{PY} -c \"$C\"\\''], env={'C': CODE, 'PATH': '/usr/bin:/bin'}, capture_output=True, text=True).stdout",
    "env": "def start(): return subprocess.run(['/usr/bin/env', PY, '-c', CODE], capture_output=True, text=True).stdout",
    "child of a child": "def start(): return subprocess.run([PY, '-c', 'import subprocess, sys; subprocess.run(sys.argv[1:])', PY, '-I', '-c', CODE], capture_output=True, text=True).stdout",
    "popen": "def start():\n    open('child.py', 'w').write(CODE)\n    return os.popen(PY + ' child.py').read()",
    "system": "def start():\n    open('child.py', 'w').write(CODE)\n    return spawned(lambda: os.system(PY + ' child.py') * 0)",
    "posix_spawn": "def start(): return spawned(lambda: os.posix_spawn(PY, [PY, '-c', CODE], {}))",
    "posix_spawnp": "def start(): return spawned(lambda: os.posix_spawnp(PY, ['python', '-I', '-c', CODE], os.environ))",
    "posix_spawn, setsid": "def start(): return spawned(lambda: os.posix_spawn(PY, [PY, '-I', '-c', CODE], {}, setsid=True))",
    "spawnv": "def start(): return spawned(lambda: os.spawnv(os.P_NOWAIT, PY, [PY, '-c', CODE]))",
    "spawnlpe": "def start(): return spawned(lambda: os.spawnlpe(os.P_NOWAIT, PY, PY, '-c', CODE, {}))",
    "execv": "def start(): return output_of(lambda: os.execv(PY, [PY, '-c', CODE]))",
    "execve": "def start(): return output_of(lambda: os.execve(PY, [PY, '-I', '-c', CODE], {}))",
    "execvp": "def start(): return output_of(lambda: os.execvp(PY, [PY, '-c', CODE]))",
    "execl": "def start(): return output_of(lambda: os.execl(PY, PY, '-c', CODE))",
    "execve, descriptor": "def start(): return output_of(lambda: os.execve(os.open(PY, os.O_RDONLY), [PY, '-c', CODE], {}))",
    "posix.execv": "import posix\ndef start(): return output_of(lambda: posix.execv(PY, [PY, '-c', CODE]))",
    "fork": "def start(): return output_of(lambda: (exec(CODE), sys.stdout.flush()))",
    "pty.fork": "import pty\ndef start():\n    child, terminal = pty.fork()\n    if not child:\n        os.execv(PY, [PY, '-I', '-c', CODE])\n    seen = b''\n    try:\n        while data := os.read(terminal, 1024): seen += data\n    except OSError: pass\n    os.waitpid(child, 0)\n    return seen.decode().replace('\\r', '')",
    "exec -a": "def start(): return subprocess.run(['/bin/bash', '-c', f'exec -a tool {PY} -c \"$C\"'], env={**os.environ, 'C': CODE}, capture_output=True, text=True).stdout",
    "loader": "import glob\ndef start():\n    return subprocess.run([glob.glob('/lib*/ld-linux*')[0], os.path.realpath(PY), '-c', CODE], capture_output=True, text=True).stdout",
    "pty.spawn": "import pty, select\ndef start():\n    seen = []\n    def read(number):\n        try:\n            while select.select([number], [], [], 9) and (data := os.read(number, 1024)): seen.append(data)\n        except OSError: pass\n        return b''\n    pty.spawn([PY, '-c', CODE], read, lambda number: b'')\n    return b''.join(seen).decode().replace('\\r', '')",
}
NOT_ON_MACOS = {"execve, descriptor", "posix_spawn, setsid", "loader"}
HEAD = f"import os, subprocess, sys\nPY, CODE = sys.executable, {CHILD!r}\n{WAIT}\n"


def available(name: str) -> bool:
    """Whether this system has the way."""
    return sys.platform == "linux" or (sys.platform == "darwin" and name not in NOT_ON_MACOS)
