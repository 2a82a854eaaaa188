"""The demonstration venue: eight sample issues, four sample firms, keys made from a seed.

FIRM-D trades on a credit line and pays its cash in late, so that a run shows a delivery fail for
want of cash and finish on the next business day. Keys made from a seed are for demonstrations
only: whoever knows the seed has them. ``kitahama keys`` makes real ones.
"""

import hashlib
from typing import Final

from market.ids import ParticipantId
from market.quantities import SEN_PER_YEN
from market.rulebooks import preset
from participants.keys import public_key_hex
from participants.orderflow import SAMPLE_FIRMS, sample_instruments
from venue.settings import (
    FirmSettings,
    IssueSettings,
    KeySettings,
    LaterDeposit,
    VenueSettings,
    make_settings,
)

LATE_FIRM: Final = ParticipantId("FIRM-D")
_LATE_OPENING_YEN: Final = 2_000_000
_LATE_CREDIT_YEN: Final = 2_000_000_000
_LATE_DAY: Final = 4
_LATE_DEPOSIT_YEN: Final = 3_000_000_000


def private_key_bytes(seed: int, participant_id: str) -> bytes:
    """The 32-byte Ed25519 seed of a sample firm's session key."""
    return hashlib.sha256(f"kitahama sample key {seed} {participant_id}".encode()).digest()


def sample_settings(preset_name: str, seed: int, **changes: object) -> VenueSettings:
    """Settings of the sample venue.

    Args:
        preset_name: A rulebook of market/rulebooks/.
        seed: Makes the keys.
        changes: Fields of :class:`VenueSettings` to replace, ``firms`` and ``issues`` included.

    Raises:
        BadInput: When the preset is unknown.
    """
    rules = preset(preset_name)
    issues = [
        IssueSettings(
            instrument_id=issue.instrument_id,
            isin=issue.isin,
            name=issue.name,
            issued_units=issue.issued_units,
            issue_price_yen=issue.issue_price_sen // SEN_PER_YEN,
        )
        for issue in sample_instruments(rules)
    ]
    firms = []
    for firm in SAMPLE_FIRMS:
        late = firm.participant_id == LATE_FIRM
        firms.append(
            FirmSettings(
                participant_id=firm.participant_id,
                name=firm.name,
                cash_yen=_LATE_OPENING_YEN if late else firm.opening_yen,
                credit_yen=_LATE_CREDIT_YEN if late else firm.limits.credit_yen,
                units={
                    issue.instrument_id: issue.issued_units * firm.holding_percent // 100
                    for issue in issues
                },
                later_deposits=(
                    [LaterDeposit(day=_LATE_DAY, amount_yen=_LATE_DEPOSIT_YEN)] if late else []
                ),
                keys=[key_settings(seed, firm.participant_id)],
            )
        )
    fields: dict[str, object] = {"preset": preset_name, "firms": firms, "issues": issues}
    return make_settings(fields | changes, "sample settings")


def or_sample(settings: VenueSettings, seed: int) -> VenueSettings:
    """Settings that name neither issues nor firms play the sample venue's, by their own rules."""
    if settings.issues or settings.firms:
        return settings
    sample = sample_settings(settings.preset, seed)
    return settings.model_copy(update={"issues": sample.issues, "firms": sample.firms})


def key_settings(seed: int, participant_id: str) -> KeySettings:
    """The session key of a sample firm, its public half only."""
    return KeySettings(
        key_id=f"{participant_id}-key",
        session_id=f"{participant_id}-1",
        public_key_hex=public_key_hex(private_key_bytes(seed, participant_id)),
    )
