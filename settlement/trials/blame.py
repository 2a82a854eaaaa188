"""Whose fault a wait or a loss is: written once for each cause, family and end.

Source: each delay and each loss has one owner (the fault families). Units: ns, yen. Errors: InvariantBroken.
"""

from collections.abc import Iterable

from settlement.designs.rules import Rule
from settlement.trials.desk import Deal, Desk
from settlement.trials.records import Delayed

Wait = tuple[str, str, int]
"""Whose fault, family, ns."""


def charge(desk: Desk, deal: Deal, waits: Iterable[Wait]) -> None:
    """Write down that an obligation waits, at most until the trial ends."""
    for cause, family, ns in waits:
        key = (cause, family, desk.at_ns + ns)
        if key not in deal.told:
            deal.told.add(key)
            desk.write(
                Delayed(
                    at_ns=desk.at_ns, deal=deal.name, cause=cause, family=family,
                    ns=min(ns, max(0, desk.end_ns - desk.at_ns)),
                )
            )  # fmt: skip


def lost(desk: Desk, deal: Deal, rule: Rule) -> None:
    """A loss: who bears it, whose fault it is, and the family of the fault, else the rule's name."""
    world = deal.run.world
    cause, family = deal.blame or ("", "")
    if not cause:
        cause = deal.firm(world.cause)
        _, waits = desk.weather.clear((cause, f"{deal.name}:{world.cause}"), desk.at_ns)
        family = waits[0][1] if waits else rule.name
        if world.skew_ticks > 0:
            cause, family = "ledger operator", "F3"
    desk.lose(deal, deal.firm(world.bearer), cause, family, deal.trade.yen)
