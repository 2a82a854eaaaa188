"""What FIX connections of a door share: settings, clients, numbers, and what they are to be told.

Purpose: the session (participants/fix_session.py) is made of these and owns none of them.
Invariants: an outbox only grows within a business day; a place in it always means the same record.
Source of the drop copy's form: our own, see PROTOCOLS.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from market.ids import KeyId, ParticipantId, SessionId
from participants.fix_codec import FixMessage, body
from participants.fix_numbers import FixNumbers
from participants.fix_orders import Market, Unfit
from participants.fix_profiles import Profile
from participants.fix_reports import FixReports
from participants.fix_rules import FixRules


class FixState(StrEnum):
    """Where a connection stands."""

    CONNECTED = "connected"
    LOGGING_ON = "logging_on"
    LIVE = "live"
    LOGGING_OUT = "logging_out"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class FixSettings:
    """Numbers an operator may set.

    Attributes:
        comp_id: Our SenderCompID (49).
        handshake_ms: From connection to logon, and from our Logout to theirs.
        heartbeat_s_max: Longest HeartBtInt (108) a client may ask for.
        clock_skew_ms: Largest distance between SendingTime (52) and our clock.
        rate_per_s: Messages per second, in the long run.
        burst: Messages at once.
        flood_factor: So many times the rate ends the session.
        garbled_max: So many garbled messages in a connection end it.
        waiting_max: Most messages that may wait for the logon's answer.
        resend_interval_ms: Shortest time between two long resends; later ones wait for it.
        resend_short_max: So many numbers are given again at once at any time.
        resends_waiting_max: More long resends than this waiting end the session.
    """

    comp_id: str = "KITAHAMA"
    handshake_ms: int = 5_000
    heartbeat_s_max: int = 600
    clock_skew_ms: int = 120_000
    rate_per_s: int = 100
    burst: int = 200
    flood_factor: int = 10
    garbled_max: int = 50
    waiting_max: int = 1_000
    resend_interval_ms: int = 1_000
    resend_short_max: int = 100
    resends_waiting_max: int = 10
    drop_copies_max: int = 8


@dataclass(frozen=True, slots=True)
class FixClient:
    """Who stands behind a SenderCompID.

    Attributes:
        password_sha256: Hex of what the logon's password must hash to; empty asks for none.
    """

    participant_id: ParticipantId
    session_id: SessionId
    key_id: KeyId
    password_sha256: str = ""


class Outbox(Protocol):
    """The records a session is to be told, by their place in the day."""

    def count(self) -> int:
        """How many there are."""

    def message(self, place: int) -> tuple[str, str, bytes]:
        """MsgType, TargetSubID (57; empty for none) and body."""


class SessionOutbox:
    """A session's own records."""

    def __init__(self, reports: FixReports, session_id: SessionId, profile: Profile) -> None:
        self._reports = reports
        self._session_id = session_id
        self._is_44 = profile.is_44

    def count(self) -> int:
        """How many there are."""
        return len(self._reports.of_session(self._session_id))

    def message(self, place: int) -> tuple[str, str, bytes]:
        """As the session's profile writes it."""
        record = self._reports.of_session(self._session_id)[place]
        return record.msg_type, "", record.body_44() if self._is_44 else record.body_42()


class FirmOutbox:
    """A drop copy: all records of a firm's sessions, each with its number of the day (5003)."""

    def __init__(self, reports: FixReports, participant_id: ParticipantId) -> None:
        self._reports = reports
        self._participant_id = participant_id

    def count(self) -> int:
        """How many there are."""
        return len(self._reports.of_firm(self._participant_id))

    def message(self, place: int) -> tuple[str, str, bytes]:
        """In FIX 4.4, with the session it went to in TargetSubID."""
        session_id, record = self._reports.of_firm(self._participant_id)[place]
        return record.msg_type, session_id, record.body_44() + body((5003, place + 1))


class Questions(Protocol):
    """Whoever answers what is asked about the market (venue/fix_market.py)."""

    def answer(self, asker: object, message: FixMessage) -> list[tuple[str, bytes]] | Unfit:
        """MsgType and body of each answer to an x, g or V; subscriptions are the asker's."""


def _no_copies(_: ParticipantId) -> int:
    return 0


@dataclass(frozen=True, slots=True)
class FixHouse:
    """What all connections of a door share.

    Attributes:
        find: The client of a SenderCompID, asked anew at every logon.
        numbers: The numbers of a session; they outlive connections.
        copies: How many drop copies of a firm are logged on.
        questions: Answers what is asked about the market; None where the profile has no questions.
    """

    profile: Profile
    rules: FixRules
    settings: FixSettings
    reports: FixReports
    market: Market
    find: Callable[[str], FixClient | None]
    numbers: Callable[[SessionId], FixNumbers]
    is_drop_copy: bool = False
    copies: Callable[[ParticipantId], int] = _no_copies
    questions: Questions | None = None
