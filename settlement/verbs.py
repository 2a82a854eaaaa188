"""Which platform knows which act on tokens, and the words for what is refused.

| act | plain | progmat | ibet |
|---|---|---|---|
| station, account keys | | yes | |
| freeze | yes | yes | |
| receiver refuses | | yes | |
| holder registered | | | yes |
| forced transfer, succession, allotment, redemption, distribution | yes | yes | yes |

What a platform does not know is refused as ACT_UNSUPPORTED. A plain register imitates no platform;
the account platform's public contracts have neither station nor freeze, and take what is sent.
"""

from enum import StrEnum
from typing import Final

from market.events import CommandRefused, Event
from market.instrument import TokenPlatform
from market.reasons import FailReason, RejectReason
from settlement.refusals import Refusal


class Verb(StrEnum):
    """Acts that not every platform knows."""

    STATION = "station"
    KEYS = "keys"
    FREEZE = "freeze"
    RECEIVE = "receive"
    REGISTER_HOLDER = "register_holder"


KNOWN: Final[dict[TokenPlatform, tuple[Verb, ...]]] = {
    TokenPlatform.PLAIN: (Verb.FREEZE,),
    TokenPlatform.PROGMAT: (Verb.STATION, Verb.KEYS, Verb.FREEZE, Verb.RECEIVE),
    TokenPlatform.IBET: (Verb.REGISTER_HOLDER,),
}

REJECT: Final[dict[Refusal, RejectReason]] = {
    Refusal.STATION_NOT_OPEN: RejectReason.STATION_CLOSED,
    Refusal.WRONG_STATE: RejectReason.INVALID_COMBINATION,
    Refusal.TRANSFER_RESTRICTED: RejectReason.TRANSFER_RESTRICTED,
    Refusal.NOT_ACTIVE: RejectReason.TRANSFER_RESTRICTED,
    Refusal.APPROVAL_REQUIRED: RejectReason.TRANSFER_RESTRICTED,
    Refusal.NOT_REGISTERED: RejectReason.NOT_REGISTERED,
    Refusal.ACCOUNT_FROZEN: RejectReason.ACCOUNT_FROZEN,
    Refusal.RECEIVER_REFUSED: RejectReason.RECEIVER_REFUSED,
    Refusal.KEY_NOT_VALID: RejectReason.SIGNATURE_REFUSED,
    Refusal.BAD_SIGNATURE: RejectReason.SIGNATURE_REFUSED,
}
"""The venue's word to who asked."""

FAIL: Final[dict[Refusal, FailReason]] = {
    Refusal.STATION_NOT_OPEN: FailReason.STATION_CLOSED,
    Refusal.TRANSFER_RESTRICTED: FailReason.TRANSFER_RESTRICTED,
    Refusal.NOT_ACTIVE: FailReason.TRANSFER_RESTRICTED,
    Refusal.APPROVAL_REQUIRED: FailReason.TRANSFER_RESTRICTED,
    Refusal.NOT_REGISTERED: FailReason.NOT_REGISTERED,
    Refusal.ACCOUNT_FROZEN: FailReason.ACCOUNT_FROZEN,
    Refusal.RECEIVER_REFUSED: FailReason.RECEIVER_REFUSED,
    Refusal.KEY_NOT_VALID: FailReason.SIGNATURE_REFUSED,
    Refusal.BAD_SIGNATURE: FailReason.SIGNATURE_REFUSED,
}
"""Why a delivery waits."""


def refuse(reason: RejectReason, detail: str) -> list[Event]:
    """What a command that is refused tells."""
    return [CommandRefused(reason=reason, detail=detail)]
