"""What each scenario needs besides its clients: who hears whom, what the recorder itself did."""

from collections.abc import Callable

from tests.radio.sim.recording import NUMBERS
from tests.radio.sim.replay import Replay

A, B, C, D = (NUMBERS[letter] for letter in "ABCD")


def prepare(replay: Replay) -> None:
    """Apply the scenario's setup before `run()`."""
    if setup := SETUPS.get(replay.recording.name):
        setup(replay)


def _line(replay: Replay) -> None:
    """A - B - C: the ends do not hear each other."""
    replay.air.set_link(A, C, heard=False)


def _deaf_stranger(replay: Replay) -> None:
    """D speaks once; it cannot hear A."""
    replay.air.set_link(A, D, heard=False, both=False)
    replay.at(0.7, lambda: replay.devices["D"].say("halo dari D"))


def _periodic_nodeinfo(replay: Replay) -> None:
    """A booted half a minute before, its NodeInfo is due."""
    replay.at(1.25, replay.devices["A"].firmware.modules.send_nodeinfo)


def _periodic_position(replay: Replay) -> None:
    """A booted three quarters of a minute before 27.2 s."""
    replay.at(27.2, replay.devices["A"].firmware.reports.send_position)


def _killed_twice(replay: Replay) -> None:
    """The recorder kills A's process and starts it again, twice; B is out of range."""
    replay.air.set_link(A, B, heard=False)
    radio = replay.devices["A"]
    for down, up in ((0.911, 4.94), (11.18, 15.2)):
        replay.at(down, radio.power_off)
        replay.at(up, radio.power_on)


def _first_boot(replay: Replay) -> None:
    """D was switched on for the first time this moment."""
    radio = replay.devices["D"]
    radio.board.nodes.entries[D].metrics = None
    radio.board.nodes.save(0.0)
    radio.power_off()
    radio.power_on()


def _thirty_percent_loss(replay: Replay) -> None:
    replay.air.loss = 0.3


SETUPS: dict[str, Callable[[Replay], None]] = {
    "09d": _deaf_stranger,
    "14a": _line,
    "14b": _line,
    "18": _periodic_nodeinfo,
    "22": _killed_twice,
    "23": _thirty_percent_loss,
    "24": _periodic_position,
    "26": _first_boot,
}
