"""One OUCH session without I/O: a client's messages in, commands out.

Purpose: everything between bytes and a command: shape, tokens, rate. A session is a desk of the
venue for as long as the process lives; up to two lines (the port and its mirror) lead to it.
Ordering, of a message: shape, flood, token, rate, values.
Tokens: each O and each U carries one that is higher than every one before it today; any other is a
duplicate and passed over in silence. What was used up is known from the journal, so it stays used
after a crash; a token whose command never reached the disk is unused.
Invariants: nothing is submitted in another's name or after the session ended; a cancel is never
held back for the rate.
Known limits: the rate is the session's, over both lines; a flood ends the line it came by.
Source: ODX equities OUCH 2.0 (tokens, silence on duplicates and superfluous cancels).
"""

from typing import Final

from market.commands import AmendOrder, CancelOrder, NewOrder, RefuseRequest
from market.ids import SessionId
from market.message import Message
from market.reasons import RejectReason
from participants.ouch import Cancel, Replace, decode_in
from participants.ouch_reports import OuchReports
from participants.ouch_rules import FLOW, refusal, to_command, token_of
from participants.throttle import FLOOD, Throttle
from participants.wire import Identity

OuchCommand = NewOrder | AmendOrder | CancelOrder | RefuseRequest
"""What a message becomes."""

_FLOOD_FACTOR: Final = 10


class OuchSettings(Message, frozen=True, kw_only=True):
    """Numbers an operator may set.

    Attributes:
        rate_per_s: Messages per second, in the long run.
        burst: Messages at once.
        flood_factor: So many times the rate ends the line.
        cancels_on_disconnect: Whether the end of the last line cancels the session's open orders.
    """

    rate_per_s: int = 100
    burst: int = 200
    flood_factor: int = _FLOOD_FACTOR
    cancels_on_disconnect: bool = True


class OuchDesk:
    """One session's side of the door.

    Attributes:
        session_id: Whose.
        identity: Set while a generation is live here.
    """

    def __init__(
        self, session_id: SessionId, reports: OuchReports, settings: OuchSettings, *, at_ns: int
    ) -> None:
        """A desk nobody is at.

        Args:
            session_id: Of the venue.
            reports: Knows the tokens that were used up.
            settings: Of every session.
            at_ns: Monotonic nanoseconds, as every ``now_ns`` here.
        """
        self.session_id = session_id
        self.identity: Identity | None = None
        self._reports = reports
        self._submitted = 0
        self._throttle = Throttle(
            rate_per_s=settings.rate_per_s,
            burst=settings.burst,
            flood_factor=settings.flood_factor,
            at_ns=at_ns,
        )

    @property
    def highest_token(self) -> int:
        """The highest token used up today, or on its way."""
        return max(self._submitted, self._reports.highest_token(self.session_id))

    def receive(self, message: bytes, *, now_ns: int) -> OuchCommand | RejectReason | None:
        """Take one message.

        Returns:
            The command it asks for; None when it is passed over; a reason when the line must end:
            MALFORMED for what is no message, THROTTLED for a flood.
        """
        identity = self.identity
        asked = decode_in(message)
        if asked is None or identity is None:
            return RejectReason.MALFORMED
        wait_ms = self._throttle.take(now_ns)
        if wait_ms == FLOOD:
            return RejectReason.THROTTLED
        if not isinstance(asked, Cancel):
            token = asked.replacement_token if isinstance(asked, Replace) else asked.token
            if token <= self.highest_token:
                return None
            self._submitted = token
            if wait_ms:
                return refusal(identity, asked, FLOW)
        return to_command(asked, identity, self._reports.market)

    def not_submitted(self, commands: list[OuchCommand]) -> None:
        """These never reached the sequencer: their tokens are unused."""
        unused = [token_of(each.req_id) for each in commands if not each.carried.startswith("X")]
        if unused:
            self._submitted = min(unused) - 1

    def day_opened(self) -> None:
        """Tokens begin anew."""
        self._submitted = 0
