"""The life of one outgoing packet, as one table. Past events come in, the next state comes out.

What a reader would get wrong: a queueStatus is no receipt (it may be missing, and res 0 is also
said of a packet that was dropped), and an acknowledgement from our own radio only means that some
node was heard repeating. Only an acknowledgement from the destination means delivered.
Source: recordings of firmware 2.7.26; Router.cpp, ReliableRouter.cpp, PhoneAPI.cpp of that version.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from kimnode.rules.lora import HEADER_BYTES, Preset, time_on_air_ms

BROADCAST = 0xFFFFFFFF


class State(StrEnum):
    """What the person who wrote the message is told."""

    QUEUED = "queued"  # in the database; under a kept packet id it may already have been written
    IN_RADIO = "in_radio"  # written to the radio; nothing proves that it was transmitted
    ON_AIR = "on_air"  # transmitted; nobody was heard repeating it (yet)
    RELAYED = "relayed"  # some node was heard repeating it
    DELIVERED = "delivered"  # the destination's radio acknowledged it (a hint: acks are not signed)
    FAILED = "failed"
    EXPIRED = "expired"


class Event(StrEnum):
    """What happens to a packet."""

    WRITTEN = "written"  # handed to the radio, after its packet id was committed
    ACCEPTED = "accepted"  # queueStatus res 0 and a place of the radio's queue is taken
    LEFT_QUEUE = "left_queue"  # a later queueStatus shows the radio's queue empty
    REJECTED_RETRY = "rejected_retry"  # the radio did not send it, but may do so later
    REJECTED_FINAL = "rejected_final"  # the radio did not and will not send it
    IMPLICIT_ACK = "implicit_ack"  # our radio heard some node repeat it
    DEST_ACK = "dest_ack"  # the destination's radio has it
    NOT_REPEATED = "not_repeated"  # broadcast: all transmissions made, no repetition heard
    NOT_ACKED = "not_acked"  # direct: all transmissions made, no answer
    UNREADABLE = "unreadable"  # the destination lacks our key; our radio now sends it
    NAK = "nak"  # a node on the way refused it
    SILENCE = "silence"  # no word about it within its time
    LINK_RESTARTED = "link_restarted"  # a new connection; the radio never said that it took it
    UNSURE = "unsure"  # a new connection; the radio took it, and may have lost it in a reboot
    GIVE_UP = "give_up"  # tried as often as allowed
    TTL = "ttl"  # too old to be worth airtime


class Why(StrEnum):
    """Reason codes kept beside the state. Words are chosen at the screen (`why.<code>`)."""

    NONE = ""
    ACCEPTED = "accepted"
    RATE_LIMITED = "rate-limited"
    DROPPED = "dropped"
    QUEUE_FULL = "queue-full"
    DUTY_CYCLE = "duty-cycle"
    NO_REGION = "no-region"
    NO_INTERFACE = "no-interface"
    NO_CHANNEL = "no-channel"
    TOO_LARGE = "too-large"
    NO_KEY = "no-key"
    UNKNOWN_KEY = "unknown-key"
    NOT_REPEATED = "not-repeated"
    MAX_RETRANSMIT = "max-retransmit"
    REFUSED = "refused"
    NO_ANSWER = "no-answer"
    LINK_RESTARTED = "link-restarted"
    EXPIRED = "expired"
    TOO_BIG = "too-big"  # for the airtime budget of its class


_S, _E = State, Event

# A pair that is not listed changes nothing (acknowledgements come twice, late and out of order).
STEPS: dict[tuple[State, Event], State] = {
    (_S.QUEUED, _E.WRITTEN): _S.IN_RADIO,
    (_S.QUEUED, _E.TTL): _S.EXPIRED,
    (_S.QUEUED, _E.GIVE_UP): _S.FAILED,
    # Written before a break of the link, queued again under the same id: the answer comes late.
    (_S.QUEUED, _E.REJECTED_RETRY): _S.QUEUED,
    (_S.QUEUED, _E.REJECTED_FINAL): _S.FAILED,
    (_S.QUEUED, _E.IMPLICIT_ACK): _S.RELAYED,
    (_S.QUEUED, _E.DEST_ACK): _S.DELIVERED,
    (_S.QUEUED, _E.NOT_REPEATED): _S.ON_AIR,
    (_S.QUEUED, _E.NOT_ACKED): _S.FAILED,
    (_S.QUEUED, _E.UNREADABLE): _S.QUEUED,
    (_S.QUEUED, _E.NAK): _S.FAILED,
    (_S.IN_RADIO, _E.ACCEPTED): _S.IN_RADIO,
    (_S.IN_RADIO, _E.LEFT_QUEUE): _S.ON_AIR,
    (_S.IN_RADIO, _E.REJECTED_RETRY): _S.QUEUED,
    (_S.IN_RADIO, _E.REJECTED_FINAL): _S.FAILED,
    (_S.IN_RADIO, _E.IMPLICIT_ACK): _S.RELAYED,
    (_S.IN_RADIO, _E.DEST_ACK): _S.DELIVERED,
    (_S.IN_RADIO, _E.NOT_REPEATED): _S.ON_AIR,
    (_S.IN_RADIO, _E.NOT_ACKED): _S.FAILED,
    (_S.IN_RADIO, _E.UNREADABLE): _S.QUEUED,
    (_S.IN_RADIO, _E.NAK): _S.FAILED,
    (_S.IN_RADIO, _E.SILENCE): _S.QUEUED,
    (_S.IN_RADIO, _E.LINK_RESTARTED): _S.QUEUED,
    (_S.IN_RADIO, _E.UNSURE): _S.IN_RADIO,
    (_S.ON_AIR, _E.IMPLICIT_ACK): _S.RELAYED,
    (_S.ON_AIR, _E.DEST_ACK): _S.DELIVERED,
    (_S.ON_AIR, _E.NOT_REPEATED): _S.ON_AIR,
    (_S.ON_AIR, _E.NOT_ACKED): _S.FAILED,
    (_S.ON_AIR, _E.UNREADABLE): _S.QUEUED,
    (_S.ON_AIR, _E.NAK): _S.FAILED,
    (_S.RELAYED, _E.DEST_ACK): _S.DELIVERED,
    (_S.RELAYED, _E.UNREADABLE): _S.QUEUED,
    (_S.RELAYED, _E.NAK): _S.FAILED,
    # MAX_RETRANSMIT is not final: the real acknowledgement came 0.6 s and 7 s after it.
    (_S.FAILED, _E.IMPLICIT_ACK): _S.RELAYED,
    (_S.FAILED, _E.DEST_ACK): _S.DELIVERED,
    (_S.EXPIRED, _E.IMPLICIT_ACK): _S.RELAYED,
    (_S.EXPIRED, _E.DEST_ACK): _S.DELIVERED,
    (_S.EXPIRED, _E.NOT_REPEATED): _S.ON_AIR,
}

# These count only with, or only without, the radio's word that it took the packet. After a new
# connection that word is void: an empty queue may then mean a reboot.
NEEDS_ACCEPTED = {_E.LEFT_QUEUE: True, _E.UNSURE: True, _E.LINK_RESTARTED: False}

# Queued again for one of these reasons, the packet keeps its id: it may have been on air, and
# radios that heard it do not show the same id twice. Any other retry means that it was not sent
# (or could not be read) and takes a new id, because a radio swallows an id that it saw already.
KEEPS_ID = frozenset({Why.NO_ANSWER, Why.LINK_RESTARTED})

# Seconds until the next try, doubled with each attempt up to MAX_RETRY_DELAY_S.
RETRY_DELAY_S = {
    Why.RATE_LIMITED: 3.0,
    Why.DROPPED: 3.0,
    Why.QUEUE_FULL: 5.0,
    Why.DUTY_CYCLE: 120.0,
    Why.NO_REGION: 30.0,
    Why.NO_INTERFACE: 30.0,
    Why.UNKNOWN_KEY: 10.0,
    Why.NO_ANSWER: 5.0,
    Why.LINK_RESTARTED: 0.0,
}
MAX_RETRY_DELAY_S = 300.0

# How often a packet is written when it may have cost airtime; the other reasons end by TTL.
MAX_ATTEMPTS = {Why.RATE_LIMITED: 8, Why.DROPPED: 4, Why.UNKNOWN_KEY: 4, Why.NO_ANSWER: 6}

# Meanings of queueStatus.res and Routing.Error, as far as they differ from "refused".
RES_QUEUE_FULL, RES_NO_INTERFACE, RES_TX_DISABLED = 32, 33, 34  # in queueStatus only
ERROR_NONE, ERROR_MAX_RETRANSMIT, ERROR_NO_RESPONSE, ERROR_UNKNOWN_KEY = 0, 5, 8, 35
RETRY_ERRORS = {4: Why.NO_INTERFACE, 9: Why.DUTY_CYCLE, 38: Why.RATE_LIMITED}
FINAL_ERRORS = {6: Why.NO_CHANNEL, 7: Why.TOO_LARGE, 39: Why.NO_KEY}
RETRY_RESULTS = RETRY_ERRORS | {
    RES_QUEUE_FULL: Why.QUEUE_FULL,
    RES_NO_INTERFACE: Why.NO_INTERFACE,
    RES_TX_DISABLED: Why.NO_REGION,
}

Sign = tuple[Event, Why]


@dataclass(frozen=True, slots=True)
class Flight:
    """One packet as its sender knows it. `attempt` counts the writes to the radio."""

    packet_id: int
    dest: int
    want_ack: bool
    state: State = State.QUEUED
    why: Why = Why.NONE
    attempt: int = 0

    @property
    def accepted(self) -> bool:
        return self.state is State.IN_RADIO and self.why is Why.ACCEPTED


def step(flight: Flight, event: Event, why: Why = Why.NONE) -> Flight:
    """The flight after `event`; the very same object when the event means nothing to it."""
    following = STEPS.get((flight.state, event))
    needed = NEEDS_ACCEPTED.get(event)
    if following is None or (needed is not None and needed != flight.accepted):
        return flight
    attempt = flight.attempt + (event is Event.WRITTEN)
    after = replace(flight, state=following, why=why, attempt=attempt)
    if following is State.QUEUED and attempt >= MAX_ATTEMPTS.get(why, attempt + 1):
        return step(after, Event.GIVE_UP, why)
    return flight if after == flight else after


def queue_empty(free: int, maxlen: int) -> bool:
    """Whether a queueStatus shows the radio's transmit queue empty (0 of 0 shows nothing)."""
    return free == maxlen > 0


def read_queue_status(res: int, free: int, maxlen: int) -> Sign:
    """What a queueStatus that names the packet says about it."""
    if res == ERROR_NONE:
        if queue_empty(free, maxlen):  # not put there: dropped in silence by a rate limit
            return Event.REJECTED_RETRY, Why.DROPPED
        return Event.ACCEPTED, Why.ACCEPTED
    if res in RETRY_RESULTS:
        return Event.REJECTED_RETRY, RETRY_RESULTS[res]
    return Event.REJECTED_FINAL, FINAL_ERRORS.get(res, Why.REFUSED)


def read_routing(error: int, sender: int, own_node: int, dest: int) -> Sign | None:
    """What a ROUTING packet about the packet says; None when it says nothing (NO_RESPONSE).

    Only our own radio and the destination can know. Anybody else with the channel's key could make
    us send a text again and again, or call it lost.
    """
    own = sender == own_node
    if not own and (sender != dest or error == ERROR_MAX_RETRANSMIT):
        return None
    fixed: dict[int, Sign | None] = {
        ERROR_NO_RESPONSE: None,
        ERROR_UNKNOWN_KEY: (Event.UNREADABLE, Why.UNKNOWN_KEY),
        ERROR_MAX_RETRANSMIT: (
            (Event.NOT_REPEATED, Why.NOT_REPEATED)
            if dest == BROADCAST
            else (Event.NOT_ACKED, Why.MAX_RETRANSMIT)
        ),
    }
    if error == ERROR_NONE:
        return (Event.IMPLICIT_ACK if own else Event.DEST_ACK), Why.NONE
    if error in fixed:
        return fixed[error]
    if own and error in RETRY_ERRORS:
        return Event.REJECTED_RETRY, RETRY_ERRORS[error]
    if own and error in FINAL_ERRORS:
        return Event.REJECTED_FINAL, FINAL_ERRORS[error]
    return Event.NAK, Why.REFUSED


def retry_delay_s(why: Why, attempt: int) -> float:
    """Seconds to wait before the write after the `attempt`-th one (from 1)."""
    delay = RETRY_DELAY_S.get(why, 0.0)
    return float(min(delay * 2 ** max(attempt - 1, 0), MAX_RETRY_DELAY_S))


# Retransmission timing of the firmware (RadioInterface.cpp, getRetransmissionMsec).
TRANSMISSIONS = 3
RETRANSMIT_EXTRA_MS = 4500.0
CONTENTION_MIN, CONTENTION_MAX = 3, 8  # exponents of the contention window
SLOT_SYMBOLS, SLOT_FIXED_MS = 2.25, 7.6  # channel activity detection; propagation and turnaround
PACKET_OVERHEAD_BYTES = 18  # Data protobuf fields and PKI tag around the payload, at most
SILENCE_FACTOR = 2.0  # our patience, in times of what the firmware itself needs at most


def max_retransmit_s(preset: Preset, payload_bytes: int, utilisation_pct: float = 0.0) -> float:
    """Seconds until the firmware reports MAX_RETRANSMIT for a payload of that size."""
    share = min(max(utilisation_pct, 0.0), 100.0) / 100
    window = CONTENTION_MIN + share * (CONTENTION_MAX - CONTENTION_MIN)
    slot_ms = SLOT_SYMBOLS * preset.symbol_ms + SLOT_FIXED_MS
    airtime_ms = time_on_air_ms(preset, HEADER_BYTES + PACKET_OVERHEAD_BYTES + payload_bytes)
    interval_ms = 2 * airtime_ms + (2**window + 16 + 32) * slot_ms + RETRANSMIT_EXTRA_MS
    return float(TRANSMISSIONS * interval_ms / 1000)


def patience_s(flight: Flight, max_retransmit: float) -> float | None:
    """Seconds that `flight` may stay in its state without a word; None: it is at rest."""
    if flight.state is State.IN_RADIO:  # accepted, it may wait there behind relayed packets
        return SILENCE_FACTOR * max_retransmit * (2 if flight.accepted else 1)
    if flight.state is State.QUEUED or is_at_rest(flight):
        return None
    return SILENCE_FACTOR * max_retransmit


def is_at_rest(flight: Flight) -> bool:
    """Whether nothing more is awaited for it; a late word may still change its state."""
    if flight.state is State.ON_AIR:
        return not flight.want_ack or flight.why is not Why.NONE
    return flight.state not in (State.QUEUED, State.IN_RADIO)


def restarted(flight: Flight) -> Sign:
    """The sign to feed at a new connection to the radio."""
    event = Event.UNSURE if flight.accepted else Event.LINK_RESTARTED
    return event, Why.LINK_RESTARTED


def silence(flight: Flight) -> Sign:
    """The sign to feed when `patience_s` is over."""
    if flight.state is State.ON_AIR:
        event = Event.NOT_REPEATED if flight.dest == BROADCAST else Event.NOT_ACKED
        return event, Why.NO_ANSWER
    return Event.SILENCE, Why.NO_ANSWER


def table_text() -> str:
    """STEPS as a text table for the manual: one line a pair, sorted by state."""
    width = max(len(event) for event in Event)
    lines = [
        f"{state:<10} {event:<{width}} -> {STEPS[state, event]}"
        for state in State
        for event in Event
        if (state, event) in STEPS
    ]
    return "\n".join(lines) + "\n"
