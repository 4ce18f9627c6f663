"""Clients and servers under --no-network: what is allowed works, what is not ends with hermetic's message."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from .conftest import PAGE, program

pytestmark = pytest.mark.programs

OUTSIDE = "http://example.com/"
CLIENTS = {
    "urllib": "import urllib.request; print(urllib.request.urlopen({url!r}).read().decode())",
    "http.client": "import http.client, urllib.parse as p; u = p.urlsplit({url!r}); "
    "c = http.client.HTTPConnection(u.netloc); c.request('GET', '/'); print(c.getresponse().read().decode())",
    "requests": "import requests; print(requests.get({url!r}).text)",
    "urllib3": "import urllib3; print(urllib3.PoolManager(retries=False).request('GET', {url!r}).data.decode())",
    "httpx": "import httpx; print(httpx.get({url!r}).text)",
    "httpx-async": "import asyncio, httpx\nasync def main():\n async with httpx.AsyncClient() as c: "
    "print((await c.get({url!r})).text)\nasyncio.run(main())",
    "aiohttp": "import asyncio, aiohttp\nasync def main():\n async with aiohttp.ClientSession() as s:\n"
    "  async with s.get({url!r}) as r: print(await r.text())\nasyncio.run(main())",
}


@pytest.mark.parametrize("client", CLIENTS)
def test_client_reaches_loopback_when_allowed(isolated, url, client):
    done = isolated.cli("--no-network", "--allow-localhost", "--", "python", "-c", CLIENTS[client].format(url=url))
    assert (done.code, done.stdout.strip()) == (0, PAGE.decode()), done.stderr


@pytest.mark.parametrize("client", CLIENTS)
def test_client_reaches_an_allowed_name(isolated, url, client):
    local = url.replace("127.0.0.1", "localhost")
    done = isolated.cli("--no-network", "--allow-localhost", "--", "python", "-c", CLIENTS[client].format(url=local))
    assert (done.code, done.stdout.strip()) == (0, PAGE.decode()), done.stderr


@pytest.mark.parametrize("client", CLIENTS)
def test_client_is_stopped_with_the_message(isolated, client):
    done = isolated.cli("--no-network", "--", "python", "-c", CLIENTS[client].format(url=OUTSIDE))
    assert done.code == 2, done.stderr
    assert "hermetic: blocked action: network disabled: " in done.stderr
    assert "example.com" in done.stderr
    assert done.errors[-1].strip() == "to allow it: --allow-domain example.com"


@pytest.mark.parametrize("client", CLIENTS)
def test_client_reaches_the_one_port_that_is_given_back(isolated, url, client):
    port = url.rpartition(":")[2].strip("/")
    code = CLIENTS[client].format(url=url)
    done = isolated.cli("--no-network", "--allow-host", f"127.0.0.1:{port}", "--", "python", "-c", code)
    assert (done.code, done.stdout.strip()) == (0, PAGE.decode()), done.stderr
    done = isolated.cli("--no-network", "--allow-host", "127.0.0.1:1", "--", "python", "-c", code)
    assert done.code == 2, done.stderr
    assert done.errors[-1].strip() == "to allow it: --allow-localhost"


@pytest.mark.parametrize("client", CLIENTS)
def test_client_reaches_no_denied_port(isolated, url, client):
    port = url.rpartition(":")[2].strip("/")
    code = CLIENTS[client].format(url=url)
    done = isolated.cli("--deny-host", f"127.0.0.0/8:{port}", "--", "python", "-c", code)
    assert done.code == 2, done.stderr
    assert done.errors[-1].strip() == f"to allow it: leaving out --deny-host 127.0.0.0/8:{port}"
    done = isolated.cli("--deny-host", "127.0.0.0/8:1", "--", "python", "-c", code)
    assert (done.code, done.stdout.strip()) == (0, PAGE.decode()), done.stderr


TLS_CLIENTS = {
    "urllib": "import urllib.request, ssl; c = ssl._create_unverified_context(); "
    "print(urllib.request.urlopen({url!r}, context=c).read().decode())",
    "requests": "import requests, urllib3; urllib3.disable_warnings(); print(requests.get({url!r}, verify=False).text)",
    "httpx": "import httpx; print(httpx.get({url!r}, verify=False).text)",
    "aiohttp": "import asyncio, aiohttp\nasync def main():\n async with aiohttp.ClientSession() as s:\n"
    "  async with s.get({url!r}, ssl=False) as r: print(await r.text())\nasyncio.run(main())",
}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("client", TLS_CLIENTS)
def test_client_reaches_the_one_port_over_tls(isolated, tls_port, client, host):
    code = TLS_CLIENTS[client].format(url=f"https://{host}:{tls_port}/")
    done = isolated.cli("--no-network", "--allow-host", f"{host}:{tls_port}", "--", "python", "-c", code)
    assert (done.code, done.stdout.strip()) == (0, PAGE.decode()), done.stderr
    for options in (["--no-network", "--allow-host", f"{host}:1"], ["--deny-host", f"{host}:{tls_port}"]):
        done = isolated.cli(*options, "--", "python", "-c", code)
        assert done.code == 2, (options, done.stderr)
        assert "hermetic: blocked action: network disabled: " in done.stderr


def test_httpie_catches_everything_and_still_ends_with_two(isolated):
    done = isolated.cli("--no-network", "--", program("http"), "--ignore-stdin", "GET", OUTSIDE)
    assert done.code == 2, done.stderr
    assert "hermetic: blocked action: network disabled: DNS(example.com)" in done.stderr


def test_httpie_reaches_loopback_when_allowed(isolated, url):
    command = ("--", program("http"), "--ignore-stdin", "--body", "GET", url)
    done = isolated.cli("--no-network", "--allow-localhost", *command)
    assert (done.code, done.stdout.strip()) == (0, PAGE.decode()), done.stderr


SERVERS = {
    "uvicorn": (
        "async def app(scope, receive, send):\n"
        "    assert scope['type'] == 'http'\n"
        "    await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
        "    await send({'type': 'http.response.body', 'body': b'served'})\n",
        ["uvicorn", "--lifespan", "off", "--port", "{port}", "service:app"],
    ),
    "flask": (
        "from flask import Flask\napp = Flask(__name__)\n@app.get('/')\ndef page():\n    return 'served'\n",
        ["flask", "--app", "service", "run", "--port", "{port}"],
    ),
    "http.server": ("", ["python", "-m", "http.server", "{port}", "--bind", "127.0.0.1"]),
}


@pytest.mark.parametrize(
    "options",
    [["--no-network"], ["--no-network", "--allow-localhost"], ["--no-network", "--allow-host", "127.0.0.1:{port}"]],
    ids=" ".join,
)
@pytest.mark.parametrize("server", SERVERS)
def test_server_on_loopback_serves(isolated, server, options):
    code, words = SERVERS[server]
    isolated.write("service.py", code)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    target = [program(words[0]), *(w.format(port=port) for w in words[1:])]
    command = [sys.executable, "-m", "hermetic", *(o.format(port=port) for o in options), "--", *target]
    process = subprocess.Popen(
        command,
        cwd=isolated.folder,
        env=isolated.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        body = fetched(f"http://127.0.0.1:{port}/", process)
        assert body.decode() == "served" or server == "http.server", body
    finally:
        process.terminate()
        said = process.communicate(timeout=20)[0]
    assert "blocked action" not in said, said


def fetched(address: str, process: subprocess.Popen[str]) -> bytes:
    """The page, once the server listens."""
    end = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return bytes(answer.read())
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                raise
            time.sleep(0.1)


def test_pytest_asyncio_runs(isolated):
    isolated.write(
        "test_loop.py",
        """
        import asyncio
        import pytest

        @pytest.mark.asyncio
        async def test_sleeps():
            await asyncio.sleep(0)
        """,
    )
    done = isolated.cli("--no-network", "--", program("pytest"), "-q", "-p", "no:cacheprovider", "test_loop.py")
    assert done.code == 0, done.stdout + done.stderr


def test_trio_runs(isolated):
    code = "import trio\nasync def main():\n    await trio.sleep(0)\n    print('done')\ntrio.run(main)\n"
    done = isolated.script("--no-network", code)
    assert (done.code, done.stdout) == (0, "done\n"), done.stderr


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_pool_works_without_network(isolated, method):
    code = f"""
    import multiprocessing

    def double(number):
        return 2 * number

    if __name__ == "__main__":
        with multiprocessing.get_context({method!r}).Pool(2) as pool:
            print(pool.map(double, [1, 2, 3]))
    """
    done = isolated.script("--no-network", code)
    assert (done.code, done.stdout) == (0, "[2, 4, 6]\n"), done.stderr


LIBRARY_SERVERS = {
    "getaddrinfo(None)": "assert socket.getaddrinfo(None, 80, flags=socket.AI_PASSIVE)",
    "sendto and sendmsg": """
here, there = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
here.bind(("127.0.0.1", 0))
there.sendto(b"1", here.getsockname())
there.sendto(b"2", 0, here.getsockname())
there.sendmsg([b"3"], [], 0, here.getsockname())
assert [here.recv(9) for _ in range(3)] == [b"1", b"2", b"3"]
""",
}


@pytest.mark.parametrize("kernel", ["auto", "off"])
@pytest.mark.parametrize("what", LIBRARY_SERVERS)
def test_what_servers_and_datagrams_need_works_on_loopback(isolated, what, kernel):
    done = isolated.script(
        f"--no-network --allow-localhost --kernel={kernel}", f"import socket\n{LIBRARY_SERVERS[what]}"
    )
    assert (done.code, done.stderr) == (0, "")
