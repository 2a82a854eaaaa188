"""The audit chain: every change of the platform, each line tied to the one before it (I17).

A line has logical time, who, what, why, and the hash over all of it and the line before, so no line
can be changed, dropped or put in between. What is hashed can never be deleted; so a reason in free
text, in which somebody may have written a name, is kept apart as a remark, and the line has the
remark's number. Deleting a remark leaves the chain valid (data policy, I15); no digest of its text is
on the chain, because a short text can be guessed from its digest.

Cost: O(1) a line; proving is O(lines).
"""

from hashlib import sha256
from typing import Final

from market.errors import check
from market.message import Message
from settlement.opaque import is_opaque
from settlement.refusals import Refusal

_BEGINNING: Final = sha256(b"kitahama token platform").digest()


class AuditLine(Message, frozen=True):
    """One change, tied to the one before it."""

    at_ns: int
    actor: str
    what: str
    reason: str
    chain: bytes


class AuditChain:
    """The lines, and what was said in free text beside them.

    Attributes:
        lines: Every change, oldest first.
        remarks: Reasons in free text by their number, those not deleted.
    """

    __slots__ = ("_remarks", "_tip", "lines", "remarks")

    def __init__(self) -> None:
        self.lines: list[AuditLine] = []
        self.remarks: dict[str, str] = {}
        self._remarks = 0
        self._tip = _BEGINNING

    @property
    def tip(self) -> bytes:
        """The hash of the last line."""
        return self._tip

    def word_for(self, reason: str) -> str:
        """How a reason stands on the chain: as it is, or as the number of the next remark."""
        return reason if not reason or is_opaque(reason) else f"remark-{self._remarks + 1}"

    def note(self, at_ns: int, actor: str, what: str, reason: str) -> None:
        """Add a line; a reason that is not an id goes to the remarks."""
        word = self.word_for(reason)
        if word != reason:
            self._remarks += 1
            self.remarks[word] = reason
        self.add(at_ns, actor, what, word)

    def add(self, at_ns: int, actor: str, what: str, code: str) -> None:
        """Add a line whose reason is one of the platform's own words."""
        text = f"{at_ns}\n{actor}\n{what}\n{code}"
        self._tip = sha256(self._tip + text.encode()).digest()
        self.lines.append(AuditLine(at_ns, actor, what, code, self._tip))

    def delete_remark(self, name: str) -> Refusal | None:
        """Delete a remark for good; one deleted and one that never was have the same answer."""
        return Refusal.NOT_VISIBLE if self.remarks.pop(name, None) is None else None

    def verify(self) -> None:
        """Compute the chain again. O(lines)."""
        tip = _BEGINNING
        for line in self.lines:
            text = f"{line.at_ns}\n{line.actor}\n{line.what}\n{line.reason}"
            tip = sha256(tip + text.encode()).digest()
            check(tip == line.chain, "I17: the audit chain verifies", what=line.what)
        check(tip == self._tip, "I17: the audit chain is whole")
