"""The one admission. A record from any source passes admit() or does not enter the log.

Pure: what the database knows about the record's surroundings comes in as a Situation, read in the
same transaction that appends it.
"""

from dataclasses import dataclass

from kimnode.errors import Reason, Refused
from kimnode.record import DOCUMENT_KINDS, Body, Entry, Kind, Record, Via
from kimnode.rules import claims, sos
from kimnode.rules.documents import Papers, admit_document
from kimnode.rules.names import clean_name
from kimnode.rules.rooms import ROOMS
from kimnode.rules.sos import SosState
from kimnode.rules.text import clean_text, readable
from kimnode.wire.airtext import split

MAX_TEXT_CHARS = 1000  # in rooms that stay on Wi-Fi; rooms with radio are bounded by three packets
CLIENT_ID_BYTES = (8, 16)  # a phone's id of its own message, shortest and longest
SOS_ROOM = "darurat"


@dataclass(frozen=True, slots=True)
class Situation:
    """What this node already knows that decides about a record."""

    subject: Entry | None = None  # the entry that the record is about
    subject_sos: SosState | None = None  # its state, when it is an SOS
    open_sos: int = 0  # alarms by the same author that nobody has closed
    open_reports: int = 0  # rumours by the same author that wait for an answer
    papers: Papers | None = None  # of a signed document


def admit(record: Record, via: Via, situation: Situation) -> None:
    """Refused(reason) unless the record may enter; no return value, no side effect."""
    if record.kind in DOCUMENT_KINDS:
        if situation.papers is None:
            raise Refused(Reason.BAD_REQUEST, "a document that cannot be read")
        admit_document(situation.papers, via)
        return
    if record.body is None or record.kind not in BY_KIND:
        raise Refused(Reason.EMPTY)
    if record.room not in ROOMS and record.kind is not Kind.REPORT:
        raise Refused(Reason.UNKNOWN_ROOM, record.room[:20])
    if record.subject is not None and situation.subject is None:
        raise Refused(Reason.UNKNOWN_SUBJECT)
    if via is Via.WEB:
        _admit_phone(record, record.body)
    BY_KIND[record.kind](record, record.body, via, situation)


def _admit_phone(record: Record, body: Body) -> None:
    if not CLIENT_ID_BYTES[0] <= len(record.nonce) <= CLIENT_ID_BYTES[1]:
        raise Refused(Reason.BAD_ID)
    if record.kind is Kind.REPORT:
        return  # nobody is asked for a name who passes on a rumour
    if clean_name(body.nick) != body.nick:
        raise Refused(Reason.BAD_NAME)


def _admit_chat(record: Record, body: Body, via: Via, _situation: Situation) -> None:
    if via is Via.WEB:
        if clean_text(body.text, MAX_TEXT_CHARS) != body.text:
            raise Refused(Reason.BAD_TEXT)
        if ROOMS[record.room].radio:
            split(body.nick, body.text)
    elif not body.text.strip():
        raise Refused(Reason.EMPTY)


def _admit_sos(record: Record, body: Body, via: Via, situation: Situation) -> None:
    """From a radio it always enters, even a second one: it may bring the missing detail.

    A text is not asked for, and a strange one is made readable by the edge instead of refused: who
    holds the button in an emergency may not be able to type.
    """
    if record.room != SOS_ROOM:
        raise Refused(Reason.UNKNOWN_ROOM, record.room[:20])
    if via is Via.WEB:
        if situation.open_sos:
            raise Refused(Reason.SOS_OPEN)
        if readable(body.text.encode(errors="replace")) != body.text:
            raise Refused(Reason.BAD_TEXT)


def _admit_sos_step(record: Record, body: Body, via: Via, situation: Situation) -> None:
    subject, state = situation.subject, situation.subject_sos
    if subject is None or state is None:
        raise Refused(Reason.UNKNOWN_SUBJECT)
    if sos.step(state, record.kind) is None:
        raise Refused(Reason.SOS_CLOSED)
    if record.kind is Kind.SOS_CANCEL and subject.record.author != record.author:
        raise Refused(Reason.NOT_YOURS)
    if record.kind is Kind.SOS_ACK and (via is Via.RADIO or not body.nick):
        raise Refused(Reason.BAD_NAME, "an alarm is taken by a person with a name")


def _admit_report(record: Record, body: Body, via: Via, situation: Situation) -> None:
    """A rumour: words only, without a name, in a room that is never shown as talk."""
    if record.room != claims.ROOM:
        raise Refused(Reason.UNKNOWN_ROOM, record.room[:20])
    if body.nick:
        raise Refused(Reason.BAD_NAME, "who passes on a rumour is not named")
    if via is Via.WEB and clean_text(body.text, claims.MAX_REPORT_CHARS) != body.text:
        raise Refused(Reason.BAD_TEXT)
    if not body.text.strip():
        raise Refused(Reason.EMPTY)
    if len(body.text) > claims.MAX_REPORT_CHARS:
        raise Refused(Reason.TOO_LONG, f"{len(body.text)} characters")
    if situation.open_reports >= claims.MAX_OPEN_REPORTS:
        raise Refused(Reason.NO_ROOM)


BY_KIND = {
    Kind.REPORT: _admit_report,
    Kind.CHAT: _admit_chat,
    Kind.SOS: _admit_sos,
    Kind.SOS_ACK: _admit_sos_step,
    Kind.SOS_CANCEL: _admit_sos_step,
}
