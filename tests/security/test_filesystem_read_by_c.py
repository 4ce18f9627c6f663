"""Files that C libraries open by a name of the program's, without an event: certificates, catalogues, readline's settings."""

from __future__ import annotations

import shutil
import subprocess
import sys

import filesystem_attempts
import pytest
from filesystem_attempts import PLACES, SECRET, has_module, nothing_leaks, prepare

NAMES = """
import os, ssl
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
def shown(): show([dict(part[0] for part in c["subject"])["commonName"] for c in context.get_ca_certs()])
"""
CERTIFICATES = {
    "cafile": "context.load_verify_locations(OUTSIDE + '/secret.pem'); shown()",
    "keyword": "context.load_verify_locations(cafile=os.fsencode(OUTSIDE) + b'/secret.pem'); shown()",
    "capath": "context.load_verify_locations(capath=OUTSIDE); show('" + SECRET + "')",
    "capath beside a file": "context.load_verify_locations('victim.txt', OUTSIDE); show('" + SECRET + "')",
    "path": "import pathlib; context.load_verify_locations(pathlib.Path(OUTSIDE, 'secret.pem')); shown()",
    "link": "context.load_verify_locations('sub/up/secret.pem'); shown()",
    "new_context": "context = ssl.create_default_context(cafile=OUTSIDE + '/secret.pem'); shown()",
    "chain": "context.load_cert_chain('sub/up/pair.pem'); show('" + SECRET + "')",
    "key": "context.load_cert_chain('victim.txt', keyfile='sub/up/pair.pem'); show('" + SECRET + "')",
    "decoded": "import _ssl; show(_ssl._test_decode_cert(OUTSIDE + '/secret.pem'))",
    "decoded_path": """
import _ssl, pathlib
show(_ssl._test_decode_cert(pathlib.Path(OUTSIDE, 'secret.pem')))
""",
    "turning_path": """
class P:
    turn = 0
    def __fspath__(self):
        self.turn += 1
        return 'victim.pem' if self.turn == 1 else OUTSIDE + '/secret.pem'
for _ in range(3):
    try: context.load_verify_locations(TURNING)
    except (OSError, NameError): TURNING = P(); TURNING.turn = 1
shown()
""",
    "default_paths": """
os.environ['SSL_CERT_FILE'] = OUTSIDE + '/secret.pem'
context.set_default_verify_paths()
shown()
""",
    "capath of several": "context.load_verify_locations(capath='nothing:' + OUTSIDE); show('" + SECRET + "')",
    "capath of several, in bytes": """
context.load_verify_locations(None, b'nothing:' + os.fsencode(OUTSIDE))
show('SECRET')
""".replace("SECRET", SECRET),
    "default_file by C": """
os.putenv('SSL_CERT_FILE', OUTSIDE + '/secret.pem')
context.set_default_verify_paths()
shown()
""",
    "default_file by C, as posix has it": """
import posix
posix.putenv(b'SSL_CERT_FILE', os.fsencode(OUTSIDE) + b'/secret.pem')
context.load_default_certs()
shown()
""",
    "default_file by C, from another folder": """
import posix
posix.putenv(b'SSL_CERT_FILE', b'secret.pem')
here = os.getcwd()
os.chdir(OUTSIDE)
context.set_default_verify_paths()
os.chdir(here)
shown()
""",
    "default_folder": """
os.environ['SSL_CERT_DIR'] = OUTSIDE
context.set_default_verify_paths()
show('SECRET')
""".replace("SECRET", SECRET),
    "default_folder among several": """
os.environ['SSL_CERT_DIR'] = 'nothing:' + OUTSIDE
context.set_default_verify_paths()
show('SECRET')
""".replace("SECRET", SECRET),
    "default_folder by C": """
import posix
posix.putenv(b'SSL_CERT_DIR', os.fsencode(OUTSIDE))
context.set_default_verify_paths()
show('SECRET')
""".replace("SECRET", SECRET),
}


@pytest.fixture
def certificate(tmp_path):
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl to make a certificate")
    made = tmp_path / "cert.pem"
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    words += ["-subj", f"/CN={SECRET}", "-addext", "basicConstraints=critical,CA:TRUE"]
    words += ["-keyout", str(tmp_path / "key.pem"), "-out", str(made)]
    subprocess.run(["openssl", *words], check=True, capture_output=True)
    return made.read_text(), (tmp_path / "key.pem").read_text()


@pytest.mark.parametrize("place", ("plain", *PLACES))
def test_certificates(isolated, place, monkeypatch, certificate):
    def prepare_files(folder, attempts):
        prepare(folder, attempts)
        outside = folder.parent / "outside"
        (outside / "secret.pem").write_text(certificate[0])
        (outside / "pair.pem").write_text(certificate[0] + certificate[1])
        for name in attempts:
            (folder / name / "victim.txt").write_text(certificate[0])

    monkeypatch.setattr(filesystem_attempts, "prepare", prepare_files)
    nothing_leaks(isolated, {name: NAMES + code for name, code in CERTIFICATES.items()}, place)


def test_certificates_below_the_root_and_the_systems_own_are_read(isolated, certificate):
    isolated.write("own.pem", certificate[0])
    isolated.write("pair.pem", certificate[0] + certificate[1])
    outside = isolated.folder.parent / "named.pem"
    outside.write_text(certificate[0])
    code = """
        import pathlib, ssl
        ssl.create_default_context()
        for name in ("own.pem", pathlib.Path("own.pem"), b"own.pem"):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.load_verify_locations(name)
            context.load_verify_locations(capath=".")
            context.load_cert_chain("pair.pem", None)
            assert len(context.get_ca_certs()) == 1
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.set_default_verify_paths()
        print(len(context.get_ca_certs()))
        try:
            context.load_verify_locations(3)
        except TypeError:
            print("TypeError")
        try:
            context.load_verify_locations("nothing.pem")
        except FileNotFoundError:
            print("FileNotFoundError")
    """
    for options in ("--fs-readonly=.", "--fs-readonly=. --seal"):
        done = isolated.script(options, code, env={"SSL_CERT_FILE": str(outside)})
        assert (done.code, done.stdout.split()) == (0, ["1", "TypeError", "FileNotFoundError"]), done


BINDINGS = """
import _locale, os, sys
_locale.setlocale(_locale.LC_ALL, '')
def refused(act):
    try:
        act()
    except PermissionError as error:
        return str(error)
print(refused(lambda: _locale.bindtextdomain("messages", sys.argv[1])))
import locale
print(refused(lambda: locale.bindtextdomain("messages", os.fsencode(sys.argv[1]))))
print(refused(lambda: _locale.bindtextdomain("../messages", ".")))
print(refused(lambda: _locale.dgettext("../messages", "key")))
print(refused(lambda: _locale.dcgettext("../messages", "key", _locale.LC_MESSAGES)))
print(refused(lambda: locale.textdomain("../messages")))
print(_locale.bindtextdomain("messages", os.getcwd()) == os.getcwd(), _locale.bindtextdomain("messages", None) == os.getcwd())
print(_locale.dgettext("messages", "key"), locale.textdomain("messages"))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's gettext")
def test_message_catalogues(isolated):
    outside = str(isolated.folder.parent)
    for options in ("--fs-readonly=.", "--fs-readonly=. --seal"):
        done = isolated.script(options, BINDINGS, outside)
        assert done.stdout.splitlines() == [
            *[f"read outside sandbox root: {outside}"] * 2,
            *[f"read outside sandbox root: {outside}/messages"] * 4,
            "True True",
            "key messages",
        ], done


READLINE = """
import os, pathlib, readline, sys
outside = sys.argv[1]
os.environ["HOME"] = outside
def refused(act):
    try:
        act()
    except PermissionError as error:
        return str(error)
for act in (
    lambda: readline.read_init_file(outside + "/rc"),
    lambda: readline.read_init_file(pathlib.Path(outside, "rc")),
    lambda: readline.read_init_file(os.fsencode("link")),
    lambda: readline.read_init_file("including"),
    lambda: readline.parse_and_bind("$include " + outside + "/rc"),
    lambda: readline.parse_and_bind(" \\t$ \\tINCLUDE\\t" + outside + "/rc  "),
    lambda: readline.parse_and_bind("$include ~/rc"),
):
    print(refused(act))
readline.read_init_file("inside")
readline.parse_and_bind("tab: complete")
readline.parse_and_bind("$include inside")
try:
    readline.read_init_file("nothing")
except FileNotFoundError:
    print("missing")
"""


@pytest.mark.skipif(not has_module("readline"), reason="readline")
@pytest.mark.parametrize("options", ("--fs-readonly=.", "--fs-readonly=. --seal"))
def test_readline_settings(isolated, options):
    outside = isolated.folder.parent
    (outside / "rc").write_text("set bell-style none\n")
    (isolated.folder / "link").symlink_to(outside / "rc")
    isolated.write("inside", "set bell-style none\n")
    isolated.write("including", f"$if Mode=emacs\n  $include {outside}/rc\n$endif\n")
    done = isolated.script(options, READLINE, str(outside))
    link = f"read outside sandbox root: {isolated.folder}/link"
    direct = f"read outside sandbox root: {outside}/rc"
    assert done.stdout.splitlines() == [direct, direct, link, *[direct] * 4, "missing"], done


@pytest.mark.skipif(not has_module("spwd"), reason="spwd")
def test_passwords(isolated):
    code = """
        import warnings
        warnings.simplefilter("ignore")
        import pwd, spwd
        for act in (spwd.getspall, lambda: spwd.getspnam("root")):
            try:
                act()
            except PermissionError as error:
                print(error)
        print(len(pwd.getpwuid(0)))
    """
    done = isolated.script("--fs-readonly=.", code)
    assert done.stdout.splitlines() == [*["read outside sandbox root: /etc/shadow"] * 2, "7"], done
