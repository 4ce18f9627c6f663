"""Memory that the kernel writes at an address that Python code names: requests of ioctl and fcntl, an option of sockets."""

from __future__ import annotations

import json
import sys

import pytest

from _hermetic.capabilities.integrity.requests import keeps_to_record, request_by_address

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux's requests")

TRY = """
import fcntl, json, mmap, os, socket, struct, time

def tried(act, target):
    kept = bytearray(target)
    try:
        act(id(target) + 32)
    except Exception as error:
        said = str(error)
    else:
        said = "done"
    return "written" if target != kept else said

def target(letter):
    "Bytes that nobody else has."
    return bytes(bytearray(letter * 64))

def interfaces(address):
    fcntl.ioctl(internet, 0x8912, struct.pack("i4xP", 40, address))

def pages(address):
    held = mmap.mmap(-1, 4096)
    held[0] = 1
    with open("/proc/self/pagemap", "rb") as file:
        words = (96, 0, 0x1000, 0x7FFFFFFFE000, 0, address, 1, 1, 0, 0, 2 | 8, 15)
        fcntl.ioctl(file, 0xC0606610, struct.pack("12Q", *words))

def maps(address):
    with open("/proc/self/maps", "rb") as file:
        fcntl.ioctl(file, 0xC0686611, struct.pack("<3Q", 104, 16, 0) + bytes(32) + struct.pack("<QIIQQ", 0, 40, 0, address, 0) + bytes(16))

class Late:
    def __index__(self):
        return 0x10000

def number(address):
    fcntl.ioctl(heard, 0x541B, 0x7FFF0000)

def negative(address):
    fcntl.ioctl(heard, 0x541B, -4096)

def late(address):
    fcntl.ioctl(heard, 0x541B, Late())

def lock(address):
    fcntl.fcntl(heard, fcntl.F_GETLK, 0x7FFF0000)

def hints(address):
    fcntl.fcntl(heard, 1035, Late())

def received(address):
    record = struct.pack("<QIIIiQiIQQII", 0, 0, 0, 0, 0, address, 64, 0, 0, 0, 0, 0)
    other.send(b"written")
    time.sleep(0.05)
    for _ in range(20):
        held = [bytes(bytearray(record)) for _ in range(20)]
        del held  # the option's own memory is most often one of these
        client.getsockopt(socket.IPPROTO_TCP, 35, len(record))

heard, said = os.pipe()
os.write(said, b"text")
internet = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
other = server.accept()[0]
ways = (interfaces, pages, maps, number, negative, late, lock, hints, received)
found = {act.__name__: tried(act, target(b"%d" % n)) for n, act in enumerate(ways)}
question = bytearray(4)
fcntl.ioctl(heard, 0x541B, question)
found["asked"] = question[0]
found["flags"] = fcntl.fcntl(heard, fcntl.F_GETFL) == os.O_RDONLY
found["owned"] = len(fcntl.fcntl(heard, 16, bytes(8)))
print(json.dumps(found))
"""
REFUSED = "interpreter mutation disabled: memory"


@pytest.fixture
def filters(isolated):
    held = json.loads(isolated.cli("doctor", "--json").stdout)["kernel"]["auto"]
    if held[0]["state"] == "guard only":
        pytest.skip("an option of sockets, which only a filter sees")


def test_nothing_is_written_at_an_address(isolated, filters):
    found = isolated.script(["--seal", "--no-subprocess"], TRY).data
    said = found.pop("received")
    assert "Protocol not available" in said
    assert [found.pop(name) for name in ("asked", "flags", "owned")] == [4, True, 8]
    assert found == dict.fromkeys(found, REFUSED), found


def test_without_a_seal_requests_are_what_they_were(isolated):
    found = isolated.script(["--no-subprocess", "--kernel=off"], TRY).data
    assert REFUSED not in found.values(), found
    assert found["interfaces"] == "written"


# TCGETS, TIOCGWINSZ, FIONREAD, SIOCGIFADDR, SIOCGIFINDEX, FS_IOC_GETFLAGS, BLKGETSIZE64, EVIOCGVERSION, FICLONE.
@pytest.mark.parametrize(
    "request_", [0x5401, 0x5413, 0x541B, 0x8915, 0x8933, 0x80086601, 0x80081272, 0x80044501, 0x40049409]
)
def test_what_programs_ask_has_no_address(request_):
    assert keeps_to_record(request_)


# SIOCGIFCONF, SIOCETHTOOL, SIOCGIWESSID, KVM's memory, USERFAULTFD_IOC_NEW, SG_IO, spidev, I2C_RDWR, verity, EVIOCGMASK,
# BTRFS_IOC_INO_PATHS, a record larger than Python's room.
@pytest.mark.parametrize(
    "request_",
    [
        *(0x8912, 0x8946, 0x8B1B, 0x4020AE46, 0xAA00, 0x2285, 0x40206B00, 0x0707, 0xC0286687, 0x80104592, 0xC0389423),
        0x80005400 | 0x2000 << 16,
    ],
)
def test_what_has_one_is_not_asked(request_):
    assert not keeps_to_record(request_)


@pytest.mark.skipif(sys.platform != "linux", reason="requests of Linux")
def test_a_record_is_memory_of_its_own():
    """What gives out a view of something else may give out another one when C asks."""
    record = bytearray(60)
    assert request_by_address((0, 0x5401, record), None) is None
    assert request_by_address((0, 0x5401, memoryview(record)), None) == "memory"
    assert request_by_address((0, 0x5401, object()), None) == "memory"
