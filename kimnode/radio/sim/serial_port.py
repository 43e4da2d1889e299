"""A pseudo-terminal in front of a virtual radio: what a USB cable is to a real one.

Unplugging closes the terminal, so the client sees what it sees when a cable is pulled; plugging in
again makes a new terminal behind the same `path` (a symbolic link, like /dev/serial/by-id).
"""

import asyncio
import os
import pty
import shutil
import tempfile
import tty
from pathlib import Path

from kimnode.radio.sim.device import Device
from kimnode.radio.sim.phone_api import PhoneApi

READ_BYTES = 4096
MAX_UNREAD_BYTES = 64 * 1024


class SerialPort:
    """Use inside a running loop. It is the API's Sink."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._folder = Path(tempfile.mkdtemp(prefix="kimnode-sim-"))
        self.path = self._folder / f"usb-{device.name}-if00"
        self._master = self._slave = -1
        self._unsent = bytearray()
        self._api: PhoneApi | None = None
        self._plugged = False
        device.on_power.append(self._power)
        self.plug()

    def plug(self) -> None:
        """Connect the cable."""
        self._plugged = True
        self._power(self._device.powered)

    def unplug(self) -> None:
        """Pull the cable: the client's file dies."""
        self._plugged = False
        self._power(False)

    def remove(self) -> None:
        """Unplug for good and take the path away."""
        self._device.on_power.remove(self._power)
        self.unplug()
        shutil.rmtree(self._folder)

    def _power(self, powered: bool) -> None:
        """A board on native USB shows up when it boots and vanishes when it goes down."""
        if not powered or not self._plugged:
            self._cut()
            return
        if self._master >= 0:
            return
        # Our own slave end stays open: without any, the loop would spin on a hung-up master.
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(os.ttyname(self._slave))
        os.set_blocking(self._master, False)
        asyncio.get_running_loop().add_reader(self._master, self._readable)

    def _cut(self) -> None:
        if self._api:
            self._api.close()
        if self._master >= 0:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._master)
            loop.remove_writer(self._master)
            os.close(self._master)
            os.close(self._slave)
            self._master = self._slave = -1
            self._unsent.clear()
            self.path.unlink(missing_ok=True)

    @property
    def congested(self) -> bool:
        return len(self._unsent) > MAX_UNREAD_BYTES

    def write(self, data: bytes) -> None:
        self._unsent += data
        self._flush()

    def close(self) -> None:
        """The radio ends the session (another client came, or silence); the cable stays."""
        self._api = None

    def pause(self, paused: bool) -> None:
        loop = asyncio.get_running_loop()
        if self._master < 0:
            return
        if paused:
            loop.remove_reader(self._master)
        else:
            loop.add_reader(self._master, self._readable)

    def _readable(self) -> None:
        try:
            data = os.read(self._master, READ_BYTES)
        except BlockingIOError:
            return
        self._device.board.timeline.catch_up()
        if self._api is None:
            self._api = self._device.connect(self)
        self._api.feed(data)

    def _flush(self) -> None:
        if self._master < 0:
            return
        try:
            sent = os.write(self._master, self._unsent)
        except BlockingIOError:
            sent = 0
        del self._unsent[:sent]
        loop = asyncio.get_running_loop()
        if self._unsent:
            loop.add_writer(self._master, self._flush)
        else:
            loop.remove_writer(self._master)
