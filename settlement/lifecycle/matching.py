"""Matching (照合) of instructions: alleged, matched, held, released, cancelled.

Purpose: a trade becomes an obligation when both sides have instructed the same. Mandatory fields must be
equal; yen may differ by a tolerance, and the seller's amount holds; the client reference must
match only where both give one. One side may withdraw what is not matched, both sides what is; a hold
of either side keeps a matched one from settling.

Ordering: first in, first matched, among equal instructions. Ids are single-use for ever (I10): the
same id with the same content has the same answer, with other content it is refused.
Cost: O(open instructions of the same key) to match, O(alleged) a day to expire.
Source: matching, allegement and the cancellation of the unmatched after 20 business days as in T2S;
the tolerance is a parameter.
"""

from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple

from market.business_days import next_business_day
from settlement.designs.states import ObligationState

UNMATCHED_DAYS_MAX: Final = 20


class Side(StrEnum):
    """Which leg the instructing party gives."""

    DELIVER = "deliver"
    RECEIVE = "receive"


class Instruction(NamedTuple):
    """What one side says is to be settled; ``client_ref`` may be blank."""

    instruction_id: str
    side: Side
    party: str
    counterparty: str
    issue: str
    units: int
    yen: int
    settlement_date: date
    client_ref: str = ""
    partial_allowed: bool = True
    hold: bool = False


class Answer(StrEnum):
    """What became of a request; refusals in the order of checking."""

    ALLEGED = "alleged"  # the other side is told
    MATCHED = "matched"
    DONE = "done"
    CONSENT_NEEDED = "consent_needed"  # one side of a matched pair asked; the other must too
    ID_CONFLICT = "id_conflict"
    BAD_AMOUNT = "bad_amount"
    SELF_DEAL = "self_deal"
    UNKNOWN = "unknown"
    ENDED = "ended"


class Pair:
    """A matched pair; owned by the desk.

    Attributes:
        held: Sides that keep it from settling.
        consents: Sides that asked to cancel.
    """

    __slots__ = ("cancelled", "consents", "deliver", "held", "receive")

    def __init__(self, deliver: Instruction, receive: Instruction) -> None:
        self.deliver = deliver
        self.receive = receive
        self.held = [one.side for one in (deliver, receive) if one.hold]
        self.consents: list[Side] = []
        self.cancelled = False

    @property
    def yen(self) -> int:
        """The seller's amount."""
        return self.deliver.yen

    @property
    def partial_allowed(self) -> bool:
        """Whether both sides allow it."""
        return self.deliver.partial_allowed and self.receive.partial_allowed

    @property
    def state(self) -> ObligationState:
        """MATCHED when it may go on, HELD, or CANCELLED."""
        if self.cancelled:
            return ObligationState.CANCELLED
        return ObligationState.HELD if self.held else ObligationState.MATCHED


_Key = tuple[str, str, str, int, date]


class MatchingDesk:
    """Instructions of one platform.

    Attributes:
        alleged: Waiting for the other side, oldest first, with the day they expire after.
        pairs: Matched, by the id of either instruction.
    """

    __slots__ = ("_answers", "_content", "_waiting", "alleged", "pairs", "tolerance_yen")

    def __init__(self, tolerance_yen: int = 0) -> None:
        self.tolerance_yen = tolerance_yen
        self.alleged: dict[str, tuple[Instruction, date]] = {}
        self.pairs: dict[str, Pair] = {}
        self._waiting: dict[_Key, list[str]] = {}
        self._content: dict[str, Instruction] = {}
        self._answers: dict[str, Answer] = {}

    def submit(self, one: Instruction, today: date) -> Answer:
        """Take an instruction; match it or allege it to the other side."""
        known = self._content.get(one.instruction_id)
        if known is not None:
            return self._answers[one.instruction_id] if known == one else Answer.ID_CONFLICT
        if one.units <= 0 or one.yen < 0:
            return Answer.BAD_AMOUNT
        if one.party == one.counterparty:
            return Answer.SELF_DEAL
        # Every refusal is above this line; below it nothing can fail.
        self._content[one.instruction_id] = one
        other = self._partner(one)
        if other is None:
            last_day = today
            for _ in range(UNMATCHED_DAYS_MAX):
                last_day = next_business_day(last_day)
            self.alleged[one.instruction_id] = (one, last_day)
            self._waiting.setdefault(_key(one), []).append(one.instruction_id)
            self._answers[one.instruction_id] = Answer.ALLEGED
            return Answer.ALLEGED
        self._forget(other)
        legs = (one, other) if one.side is Side.DELIVER else (other, one)
        self.pairs[one.instruction_id] = self.pairs[other.instruction_id] = Pair(*legs)
        self._answers[one.instruction_id] = Answer.MATCHED
        return Answer.MATCHED

    def cancel(self, instruction_id: str) -> Answer:
        """Withdraw: at once when unmatched, with the other side's consent when matched."""
        if (waiting := self.alleged.get(instruction_id)) is not None:
            self._forget(waiting[0])
            return Answer.DONE
        if (pair := self.pairs.get(instruction_id)) is None:
            return Answer.ENDED if instruction_id in self._content else Answer.UNKNOWN
        if pair.cancelled:
            return Answer.ENDED
        side = self._content[instruction_id].side
        if side not in pair.consents:
            pair.consents.append(side)
        pair.cancelled = len(pair.consents) == len(Side)
        return Answer.DONE if pair.cancelled else Answer.CONSENT_NEEDED

    def set_hold(self, instruction_id: str, *, hold: bool) -> Answer:
        """Hold or release one's own side of a matched pair; the other's hold is not touched."""
        if (pair := self.pairs.get(instruction_id)) is None:
            return Answer.UNKNOWN
        if pair.cancelled:
            return Answer.ENDED
        side = self._content[instruction_id].side
        pair.held = [*(one for one in pair.held if one is not side), *([side] if hold else [])]
        return Answer.DONE

    def expire(self, today: date) -> list[Instruction]:
        """End what nobody answered in 20 business days; to be run once a day."""
        late = [one for one, last_day in self.alleged.values() if today > last_day]
        for one in late:
            self._forget(one)
        return late

    def _partner(self, one: Instruction) -> Instruction | None:
        for name in self._waiting.get(_key(one), ()):
            other = self._content[name]
            refs = (one.client_ref, other.client_ref)
            if (
                other.side is not one.side
                and (other.party, other.counterparty) == (one.counterparty, one.party)
                and abs(other.yen - one.yen) <= self.tolerance_yen
                and ("" in refs or refs[0] == refs[1])
            ):
                return other
        return None

    def _forget(self, one: Instruction) -> None:
        del self.alleged[one.instruction_id]
        line = self._waiting[_key(one)]
        line.remove(one.instruction_id)
        if not line:
            del self._waiting[_key(one)]


def _key(one: Instruction) -> _Key:
    deliver = one.side is Side.DELIVER
    seller, buyer = (one.party, one.counterparty) if deliver else (one.counterparty, one.party)
    return seller, buyer, one.issue, one.units, one.settlement_date
