"""How a FIX session speaks: every frame it sends, under which number, and what is sent again.

Purpose: the outgoing half of participants/fix_session.py, which decides what to say.
Ordering: numbers are taken in the order of the frames.
Invariants: a frame under a new number is noted in :class:`FixNumbers`; one sent again is the same
but for PossDupFlag, OrigSendingTime and SendingTime.
Source: FIX 4.2 and 4.4, message recovery.
"""

from typing import Final

from market.errors import check
from participants.actions import Action, Send
from participants.fix_codec import FixMessage, body, encode
from participants.fix_house import FixHouse, FixState, Outbox
from participants.fix_numbers import FixNumbers
from participants.fix_records import utc_text
from participants.fix_rules import Breach

NOT_AUTHORIZED: Final = 6
"""BusinessRejectReason (380) that FIX 4.2 does not have; there it is 0, other."""


class FixSpeaker:
    """The voice of one connection; :class:`FixSession` is its head."""

    def __init__(self, house: FixHouse, *, opened_at_ns: int) -> None:
        """A voice that has said nothing.

        Args:
            house: What the door's connections share.
            opened_at_ns: Monotonic nanoseconds.
        """
        self._profile = house.profile
        self._settings = house.settings
        self._state = FixState.CONNECTED
        self._opened_at_ns = self._heard_at_ns = self._sent_at_ns = opened_at_ns
        self._wall_ns = 0
        self._comp_id = ""
        self._numbers: FixNumbers | None = None
        self._outbox: Outbox | None = None

    # --- again

    def _give_again(self, first: int, last: int) -> list[Action]:
        """Numbers ``first`` to ``last`` once more. O(numbers)."""
        numbers = self._live_numbers()
        parts: list[bytes] = []
        gap = first
        for number in range(first, last + 1):
            sent = numbers.sent(number)
            if sent is None:
                continue
            if gap < number:
                parts.append(self._gap_fill(gap, number))
            gap = number + 1
            sub, kind, content = "", sent.msg_type, sent.body
            if sent.place >= 0 and self._outbox is not None:
                kind, sub, content = self._outbox.message(sent.place)
            parts.append(
                self._frame(
                    kind,
                    number,
                    content,
                    sub=sub,
                    first_at=sent.sending_time,
                    doubtful=sent.place in numbers.doubtful,
                )
            )
        if gap <= last:
            parts.append(self._gap_fill(gap, last + 1))
        return [Send(frame=b"".join(parts))]

    def _gap_fill(self, number: int, next_number: int) -> bytes:
        content = body((123, "Y"), (36, next_number))
        return self._frame("4", number, content, first_at=utc_text(self._wall_ns))

    # --- refusals

    def _reject(self, seq: int, breach: Breach, message: FixMessage) -> list[Action]:
        content = body(
            (45, seq),
            (371, breach.tag if breach.tag != "0" else None),
            (372, message.kind[:16]),
            (373, breach.reason),
            (58, breach.text),
        )
        return [self._admin("3", content)]

    def _business_reject(
        self, seq: int, kind: str, reason: int, text: str, fields: dict[str, str]
    ) -> list[Action]:
        if reason == NOT_AUTHORIZED and not self._profile.is_44:
            reason = 0
        name = fields.get("11", "")
        content = body(
            (45, seq), (372, kind[:16]), (379, name[:36] or None), (380, reason), (58, text)
        )
        return [self._message("j", content)]

    # --- frames

    def _admin(self, kind: str, content: bytes) -> Send:
        """A session message under the next number."""
        self._sent_now()
        return Send(frame=self._frame(kind, self._live_numbers().use(), content))

    def _message(self, kind: str, content: bytes) -> Send:
        """An application message that no record stands behind; it can be sent again."""
        self._sent_now()
        number = self._live_numbers().use_for_message(kind, content, utc_text(self._wall_ns))
        return Send(frame=self._frame(kind, number, content))

    def _passing(self, told: list[tuple[str, bytes]]) -> list[Action]:
        """Market data, true when said and not later: sent again, it is a gap fill."""
        if not told:
            return []
        self._sent_now()
        first = self._live_numbers().use_unkept(len(told))
        parts = [self._frame(kind, first + n, content) for n, (kind, content) in enumerate(told)]
        return [Send(frame=b"".join(parts))]

    def _frame(
        self,
        kind: str,
        number: int,
        content: bytes,
        *,
        sub: str = "",
        first_at: str = "",
        doubtful: bool = False,
    ) -> bytes:
        again = f"43=Y\x01122={first_at}\x01" if first_at else ""
        possible = "97=Y\x01" if doubtful else ""
        target = f"57={sub}\x01" if sub else ""
        head = (
            f"35={kind}\x0149={self._settings.comp_id}\x0156={self._comp_id}\x01"
            f"34={number}\x0152={utc_text(self._wall_ns)}\x01{target}{again}{possible}"
        )
        return encode(self._profile.begin, head.encode() + content)

    def _sent_now(self) -> None:
        """Our own silence ends; the exact moment is the last one heard of, near enough."""
        self._sent_at_ns = max(self._sent_at_ns, self._heard_at_ns)

    def _live_numbers(self) -> FixNumbers:
        check(self._numbers is not None, "a session has numbers", state=self._state)
        return self._numbers  # type: ignore[return-value]  # check() has spoken
