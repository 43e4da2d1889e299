"""The ether: time on air, half duplex, collisions, loss, distance, partitions; and virtual time."""

import pytest

from kimnode.radio.sim.air import Air
from kimnode.radio.sim.frame import BROADCAST, Frame, Tuning
from kimnode.radio.sim.timeline import Timeline
from tests.radio.sim.recording import load, scenarios

MEDIUM = Tuning(920.125, "MEDIUM_FAST")
LONG = Tuning(920.125, "LONG_FAST")


class Ear:
    """A bare receiver."""

    def __init__(self, num: int, air: Air, tuning: Tuning | None = MEDIUM) -> None:
        self.num = num
        self.tuning = tuning
        self.got: list[int] = []
        self.sent_ms: list[float] = []
        air.attach(self)

    def heard(self, frame: Frame, snr: float, rssi: int) -> None:
        assert -25 < snr < 15
        assert rssi < 0
        self.got.append(frame.packet_id)

    def sent(self, air_ms: float) -> None:
        self.sent_ms.append(air_ms)


def packet(packet_id: int, size: int = 50) -> Frame:
    return Frame(BROADCAST, 1, packet_id, 3, 3, False, 8, 0, 1, bytes(size - 16))


@pytest.fixture
def timeline() -> Timeline:
    return Timeline(seed=1)


@pytest.fixture
def air(timeline) -> Air:
    return Air(timeline)


def test_airtime_of_every_recorded_transmission(timeline, air):
    """The recorded air states milliseconds for frames of many sizes."""
    Ear(1, air)
    checked = 0
    for name in scenarios():
        for event in load(name).air:
            if event["ev"] == "tx":
                seconds = air.transmit(1, packet(checked, event["len"]), MEDIUM)
                assert int(seconds * 1000) == event["air"]
                checked += 1
    assert checked > 200


def test_all_hear_after_the_time_on_air_and_not_before(timeline, air):
    one, two, three = (Ear(n, air) for n in (1, 2, 3))
    seconds = air.transmit(1, packet(7), MEDIUM)
    timeline.run_until(seconds - 0.001)
    assert (two.got, one.sent_ms) == ([], [])
    timeline.run_until(seconds)
    assert (one.got, two.got, three.got) == ([], [7], [7])
    assert one.sent_ms == [pytest.approx(seconds * 1000)]


def test_other_frequency_preset_or_power_off_hear_nothing(timeline, air):
    Ear(1, air)
    ears = [Ear(2, air, LONG), Ear(3, air, Tuning(922.125, "MEDIUM_FAST")), Ear(4, air, None)]
    air.transmit(1, packet(7), MEDIUM)
    timeline.run_until(5)
    assert [e.got for e in ears] == [[], [], []]


def test_two_at_once_collide_where_both_are_heard(timeline, air):
    """2 hears both and gets nothing; 1 and 3 are too busy sending; 4 hears only 1."""
    ears = {n: Ear(n, air) for n in (1, 2, 3, 4)}
    air.set_link(3, 4, heard=False)
    air.transmit(1, packet(11), MEDIUM)
    timeline.run_until(0.05)
    air.transmit(3, packet(33), MEDIUM)
    timeline.run_until(5)
    assert {n: e.got for n, e in ears.items()} == {1: [], 2: [], 3: [], 4: [11]}
    fates = {(e.by, e.at): e.what for e in air.log if e.what != "tx"}
    assert fates[(1, 2)] == fates[(3, 2)] == "collision"
    assert fates[(1, 3)] == fates[(3, 1)] == "halfduplex"


def test_a_much_stronger_signal_survives_if_capture_is_on(timeline):
    air = Air(timeline, capture_db=6.0)
    ears = {n: Ear(n, air) for n in (1, 2, 3)}
    air.set_link(1, 2, snr=9.0)
    air.set_link(3, 2, snr=0.0)
    air.transmit(1, packet(11), MEDIUM)
    air.transmit(3, packet(33), MEDIUM)
    timeline.run_until(5)
    assert ears[2].got == [11]


def test_loss_is_seeded_and_about_as_asked():
    def run(seed: int) -> list[int]:
        timeline = Timeline(seed)
        air = Air(timeline, loss=0.3)
        Ear(1, air)
        ear = Ear(2, air)
        for n in range(1000):
            air.transmit(1, packet(n), MEDIUM)
            timeline.run_until(timeline.now + 1)
        return ear.got

    assert run(1) == run(1) != run(2)
    assert 640 <= len(run(1)) <= 760


def test_a_link_has_its_own_loss_and_direction(timeline, air):
    one, two = Ear(1, air), Ear(2, air)
    air.set_link(1, 2, loss=1.0, both=False)
    for sender in (1, 2):
        air.transmit(sender, packet(sender), MEDIUM)
        timeline.run_until(timeline.now + 1)
    assert (one.got, two.got) == ([2], [])


def test_partition_and_heal(timeline, air):
    ears = [Ear(n, air) for n in (1, 2, 3)]
    air.partition([1, 2], [3])
    air.transmit(1, packet(1), MEDIUM)
    timeline.run_until(1)
    air.partition()
    air.transmit(1, packet(2), MEDIUM)
    timeline.run_until(2)
    assert [e.got for e in ears] == [[], [1, 2], [2]]


def test_distance_decides_and_a_slower_preset_carries_further(timeline, air):
    for preset, reach in ((MEDIUM, 3), (LONG, 5)):
        ears = [Ear(n, air, preset) for n in range(8)]
        for ear in ears:
            air.place(ear.num, float(ear.num), 0.0)
        air.transmit(0, packet(9), preset)
        timeline.run_until(timeline.now + 5)
        assert [e.num for e in ears if e.got] == list(range(1, reach + 1))


def test_carrier_sense_hears_what_the_ear_hears_and_not_the_first_instant(timeline, air):
    for n in (1, 2, 3):
        Ear(n, air)
    air.set_link(1, 3, heard=False)
    air.transmit(1, packet(1), MEDIUM)
    assert not air.busy(2)  # a preamble that has just begun is not noticed
    timeline.run_until(0.02)
    assert air.busy(2)
    assert not air.busy(3)
    assert not air.busy(1)
    timeline.run_until(1)
    assert not air.busy(2)


def test_timeline_runs_in_order_cancels_and_can_be_cut_into_slices(timeline):
    done: list[str] = []
    timeline.after(2, lambda: done.append("b"))
    timeline.after(1, lambda: done.append("a"))
    timeline.after(2, lambda: done.append("c"))
    timeline.after(1.5, lambda: done.append("never")).cancel()
    assert timeline.run_until(5, max_events=2) is False
    assert (done, timeline.now) == (["a", "b"], 2)
    assert timeline.run_until(5) is True
    assert (done, timeline.now, timeline.next_at) == (["a", "b", "c"], 5, None)
    timeline.at(1, lambda: done.append("late"))
    timeline.run_until(5)
    assert done[-1] == "late"
