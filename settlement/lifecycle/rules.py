"""What a market's rulebook says of a delivery's life, as one value.

Purpose: the venue reads its rules once and hands them to the settlement room. A rule that is off does
nothing: deliveries are whole, matched from the trade, wait without limit, and cost nothing late.
"""

from typing import Final, NamedTuple

from market.choices import UnpaidCharge
from market.rules import Rules
from settlement.lifecycle.fails import FailRule
from settlement.lifecycle.partials import DAY_S, PartialRule


class LifeRules(NamedTuple):
    """The rules of a delivery's life.

    Attributes:
        partial: When a seller short of units delivers a part; None is never.
        affirmation: Whether both sides must affirm a delivery before it goes a step.
        fails: What failing costs, and what ends it.
        unpaid_charge: What becomes of a charge the failer has not the cash for.
    """

    partial: PartialRule | None
    affirmation: bool
    fails: FailRule
    unpaid_charge: UnpaidCharge


WHOLE_AND_FREE: Final = LifeRules(
    partial=None,
    affirmation=False,
    fails=FailRule(penalty_ppm_a_day=0, buy_in_days=0, purge_days=0),
    unpaid_charge=UnpaidCharge.CARRY,
)
"""Nothing added to the plain life."""


def life_rules_of(rules: Rules) -> LifeRules:
    """The part of a rulebook that is about a delivery's life."""
    hours = rules.partial_hours.value or (0, DAY_S)
    partial = PartialRule(
        unit_lot=rules.partial_unit_lot.value,
        threshold_units=rules.partial_threshold_units.value,
        threshold_yen=rules.partial_threshold_yen.value,
        from_s=hours[0],
        until_s=hours[1],
    )
    return LifeRules(
        partial=partial if rules.partial_settlement.value else None,
        affirmation=rules.affirmation.value,
        fails=FailRule(
            penalty_ppm_a_day=rules.fail_penalty_ppm_a_day.value,
            buy_in_days=rules.fail_buy_in_days.value,
            purge_days=rules.fail_purge_days.value,
            compensation_days=rules.fail_compensation_days.value,
        ),
        unpaid_charge=rules.fail_unpaid_charge.value,
    )
