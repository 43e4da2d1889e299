"""What the words of the radio do to the packets in it."""

import pytest

from kimnode.radio.messages import QueueStatus, RoutingReply
from kimnode.radio.tracker import Tracker
from kimnode.rules.delivery import BROADCAST, Event, Flight, State, Why, step

OWN, DEST = 0x1000001F, 0x10000020
LANE = (1, BROADCAST, 0)
LIMIT_S = 15.0


def written(packet_id, dest=BROADCAST, want_ack=True):
    return step(Flight(packet_id, dest, want_ack), Event.WRITTEN)


def tracker(*flights):
    made = Tracker()
    for flight in flights:
        made.add(flight.packet_id * 10, LANE, flight, LIMIT_S, 0.0)
    return made


def states(changes):
    return [(c.row, c.after.state, c.after.why, c.transmissions) for c in changes]


def test_an_empty_queue_speaks_for_accepted_packets_other_than_the_one_it_names():
    made = tracker(written(1, want_ack=False), written(2, want_ack=False), written(3))
    assert len(made.queue_status(QueueStatus(1, 0, 15, 16), 0.1)) == 1
    changes = made.queue_status(QueueStatus(2, 0, 16, 16), 3.0)
    assert states(changes) == [
        (20, State.QUEUED, Why.DROPPED, 0),
        (10, State.ON_AIR, Why.NONE, 1),
    ]
    assert len(made) == 1, "3 was never accepted, so nothing is known about it"
    assert made.unproven() == {LANE}


def test_who_waits_for_an_ack_stays_until_it_comes():
    made = tracker(written(1))
    made.queue_status(QueueStatus(1, 0, 15, 16), 0.1)
    made.queue_status(QueueStatus(0, 0, 16, 16), 2.0)
    assert made.holds(1)
    assert made.unproven() == set()
    assert states(made.routing(RoutingReply(1, OWN, 0), OWN, 6.0)) == [
        (10, State.RELAYED, Why.NONE, 2)
    ]
    assert not made.holds(1)
    assert made.routing(RoutingReply(1, OWN, 0), OWN, 7.0) == []


@pytest.mark.parametrize(
    ("error", "sender", "at", "transmissions"),
    [
        (0, DEST, 1.0, 1),
        (0, DEST, 6.0, 2),
        (0, DEST, 99.0, 3),
        (5, OWN, 15.0, 3),
        (35, DEST, 1.0, 1),
        (38, OWN, 0.2, 0),
        (39, OWN, 0.2, 0),
    ],
)
def test_how_often_it_was_transmitted(error, sender, at, transmissions):
    made = tracker(written(1, dest=DEST))
    made.queue_status(QueueStatus(1, 0, 15, 16), 0.1)
    (change,) = made.routing(RoutingReply(1, sender, error), OWN, at)
    assert change.transmissions == transmissions


def test_time_counts_only_while_the_radio_can_speak():
    made = tracker(written(1, dest=DEST))
    made.queue_status(QueueStatus(1, 0, 15, 16), 0.1)
    made.queue_status(QueueStatus(0, 0, 16, 16), 2.0)
    assert made.next_due() == 2.0 + 2 * LIMIT_S
    assert made.link_up(500.0) == [], "on the air already: only its answer is missing"
    assert made.overdue(501.0) == []
    assert made.next_due() == 500.0 + 2 * LIMIT_S
    assert states(made.overdue(530.0)) == [(10, State.FAILED, Why.NO_ANSWER, None)]
    assert made.next_due() == float("inf")


def test_a_new_connection_asks_for_what_was_never_accepted():
    made = tracker(written(1), written(2))
    made.queue_status(QueueStatus(2, 0, 15, 16), 0.1)
    assert states(made.link_up(9.0)) == [
        (10, State.QUEUED, Why.LINK_RESTARTED, None),
        (20, State.IN_RADIO, Why.LINK_RESTARTED, None),
    ]
    assert made.queue_status(QueueStatus(0, 0, 16, 16), 9.5) == []
    assert states(made.overdue(9.0 + 2 * LIMIT_S)) == [(20, State.QUEUED, Why.NO_ANSWER, None)]
    assert len(made) == 0


def test_words_about_strangers_do_nothing():
    made = tracker(written(1))
    assert made.queue_status(QueueStatus(99, 7, 3, 16), 1.0) == []
    assert made.routing(RoutingReply(99, OWN, 5), OWN, 1.0) == []
    assert made.routing(RoutingReply(1, 4711, 0), OWN, 1.0) == []
