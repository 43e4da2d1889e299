"""The code numbers of documents and packets (SPEC.md section 4). Never reused, never renumbered."""

from enum import IntEnum


class Form(IntEnum):
    """What a bulletin is."""

    CHECK = 1  # a verdict about a claim
    INFO = 2
    CORRECTION = 3  # of an earlier bulletin
    RETRACTION = 4  # DICABUT: the earlier bulletin does not hold any more
    NOTICE = 5  # BELUM DICEK: a claim is being checked; the only form one person may publish


class Verdict(IntEnum):
    """services: Indonesian labels are in the catalogue."""

    NONE = 0  # of an INFO or a RETRACTION
    HOAX = 1
    DISINFORMATION = 2
    PARTLY_TRUE = 3
    FACT = 4
    UNPROVEN = 5
    NO_CLAIM = 6
    UNCHECKED = 7


class HoaxType(IntEnum):
    """The seven types of First Draft as MAFINDO uses them."""

    NONE = 0
    SATIRE = 1
    MISLEADING = 2
    IMPOSTER = 3
    FABRICATED = 4
    FALSE_CONNECTION = 5
    FALSE_CONTEXT = 6
    MANIPULATED = 7


class Topic(IntEnum):
    """What it is about: the topics of the ministry's hoax statistics."""

    OTHER = 0
    FRAUD = 1
    POLITICS = 2
    GOVERNMENT = 3
    HEALTH = 4
    HATE = 5
    DISASTER = 6
    INTERNATIONAL = 7
    DEFAMATION = 8
    TRADE = 9
    CRIME = 10
    RELIGION_EDUCATION = 11
    MYTH = 12


class Role(IntEnum):
    """What a certificate lets its holder do (rules/trust.py has the table)."""

    DISTRICT = 1
    HUB = 2
    GATEWAY = 3
    VOLUNTEER = 4  # RELAWAN: may draft
    VERIFIER = 5  # VERIFIKATOR: may draft, approve and suspend
    CHAIR = 6  # KETUA: as a verifier


class KeyType(IntEnum):
    """Of a certified key."""

    ED25519 = 0  # signs by itself
    RADIO = 1  # X25519 key of a Meshtastic radio: its commands are attested by a gateway


class Mode(IntEnum):
    """How a person's will became a signature."""

    DIRECT = 0  # signed with the person's own key
    ATTESTED = 1  # a gateway signed that this person's radio said so


class TimeTrust(IntEnum):
    """How far a time is to be believed (rules/clock.py)."""

    SURE = 0  # PASTI: the district's word, the radio's own GPS, NTP, a battery clock that agrees
    ABOUT = 1  # KIRA-KIRA: the last sure time and the uptime since
    UNSURE = 2  # TIDAK PASTI


class SourceKind(IntEnum):
    """What kind of source a dossier names."""

    AGENCY = 1  # BMKG, BPBD, police, health post ...: asked or quoted
    DOCUMENT = 2
    ON_SITE = 3  # the checker went and looked
    MEDIA = 4
    FACT_CHECKER = 5  # TurnBackHoax, CekFakta
    PERSON = 6


PRIMARY_SOURCES = frozenset({SourceKind.AGENCY, SourceKind.DOCUMENT, SourceKind.ON_SITE})
