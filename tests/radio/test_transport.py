"""Addresses, and what each way of failing is called."""

import asyncio
import os
import socket
import termios

import pytest

from kimnode.clock import Clock
from kimnode.errors import ConfigError, LinkDown
from kimnode.radio.transport import Address, open_port, parse_address
from tests.radio.fake_radio import FakeRadio, PtyDoor, TcpDoor, opened


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (
            "serial:/dev/serial/by-id/usb-x",
            Address("serial:/dev/serial/by-id/usb-x", "/dev/serial/by-id/usb-x"),
        ),
        ("tcp:127.0.0.1:4403", Address("tcp:127.0.0.1:4403", "", "127.0.0.1", 4403)),
        ("tcp:[::1]:4403", Address("tcp:[::1]:4403", "", "::1", 4403)),
    ],
)
def test_addresses(text, address):
    assert parse_address(text) == address
    assert parse_address(text).is_serial == text.startswith("serial")


@pytest.mark.parametrize(
    "text",
    ["", "serial:", "serial:ttyUSB0", "tcp:host", "tcp::4403", "tcp:h:0", "tcp:h:65536", "ble:x"],
)
def test_an_address_that_is_none_is_refused_in_words(text):
    with pytest.raises(ConfigError, match=r"serial:/dev/serial/by-id/.*tcp:host:port"):
        parse_address(text)


async def test_a_missing_cable_and_a_closed_port_are_named(tmp_path, clock):
    with pytest.raises(LinkDown, match="not plugged in"):
        await open_port(parse_address(f"serial:{tmp_path}/none"), clock)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(LinkDown, match="nobody listens"):
            await open_port(parse_address(f"tcp:127.0.0.1:{taken.getsockname()[1]}"), clock)


async def test_a_file_that_is_no_serial_port(tmp_path, clock):
    path = tmp_path / "file"
    path.write_bytes(b"")
    with pytest.raises(LinkDown, match=str(path)):
        await open_port(parse_address(f"serial:{path}"), clock)


async def test_a_host_that_does_not_answer_is_given_up(monkeypatch):
    async def never(*_args: object, **_kw: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio, "open_connection", never)
    with pytest.raises(LinkDown, match="no connection within"):
        await open_port(parse_address("tcp:192.0.2.1:4403"), Clock(100))


async def test_tcp_sends_at_once_and_reports_the_end(clock):
    async with opened(TcpDoor(FakeRadio())) as door:
        port = await open_port(parse_address(door.address), clock)
        sock = port._writer.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        await port.write(b"hello")
        assert await port.read(0.01) == b""
        await door.drop()
        with pytest.raises(LinkDown):
            await port.read(5)
        await port.close()


async def test_a_serial_port_is_raw_keeps_its_lines_and_reports_unplugging(tmp_path, clock):
    radio = FakeRadio()
    async with opened(PtyDoor(radio, tmp_path)) as door:
        slave = os.open(door.path, os.O_RDWR | os.O_NOCTTY)
        flags = termios.tcgetattr(slave)
        flags[2] |= termios.HUPCL  # as a fresh serial port has it
        termios.tcsetattr(slave, termios.TCSANOW, flags)
        port = await open_port(parse_address(door.address), clock)
        flags = termios.tcgetattr(slave)
        os.close(slave)
        assert not flags[2] & termios.HUPCL, "closing would reset the board"
        assert not flags[3] & termios.ICANON
        radio.bytes_out(b"\x94\xc3\n\r\x00")
        assert await port.read(5) == b"\x94\xc3\n\r\x00"
        await door.close()
        with pytest.raises(LinkDown, match=r"unplugged|closed|failed"):
            await port.read(5)
        await port.close()


async def test_a_radio_that_takes_no_bytes(monkeypatch):
    async with opened(TcpDoor(FakeRadio())) as door:
        port = await open_port(parse_address(door.address), Clock(200))

        async def never() -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(port._writer, "drain", never)
        with pytest.raises(LinkDown, match="takes no bytes"):
            await port.write(b"x")
        await port.close()
