"""Every protocol by name: those that promise both legs or none, and those that do not."""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from settlement.designs.gross import gross
from settlement.designs.hash_time_lock import hash_time_lock
from settlement.designs.net_batch import net_batch
from settlement.designs.notary_bridge import notary_bridge
from settlement.designs.released_keys import released_keys
from settlement.designs.rules import Protocol
from settlement.designs.states import Leg
from settlement.designs.two_transfers import two_transfers
from settlement.designs.verified_payment import verified_payment

SAFE: Final[Mapping[str, Callable[[], Protocol]]] = MappingProxyType(
    {
        "A": gross,
        "A+LSM": partial(gross, offsetting=True),
        "B2": verified_payment,
        "B3": released_keys,
        "B3 one operator wrong": partial(released_keys, threshold=2, wrong=1),
        "B4": notary_bridge,
        "C fund": partial(net_batch, default_rule="use_fund"),
        "C unwind": partial(net_batch, default_rule="unwind"),
        "C postpone": partial(net_batch, default_rule="postpone"),
        "C novate": partial(net_batch, default_rule="novate"),
        "C one step, fund": partial(net_batch, default_rule="use_fund", two_step=False),
    }
)
"""No order of steps, outages and defaults splits these."""

WITHIN_MARGIN: Final[Mapping[str, Callable[..., Protocol]]] = MappingProxyType(
    {
        "B1": partial(hash_time_lock, leader="seller"),
        "B1 buyer leads": partial(hash_time_lock, leader="buyer"),
    }
)
"""Safe while outages after the reveal and clock skew sum to the margin, and nobody is gone for ever."""

UNSAFE: Final[Mapping[str, Callable[[], Protocol]]] = MappingProxyType(
    {
        "B1 without margin": partial(hash_time_lock, checks=False, offered_ticks=0),
        "B2 abort on unknown": partial(verified_payment, abort_on_unknown=True),
        "B3 both keys": partial(released_keys, threshold=1, wrong=1),
        "B4 unsafe order": partial(notary_bridge, safe=False),
        "C one step": partial(net_batch, default_rule="none", two_step=False),
        "D token-first": partial(two_transfers, Leg.TOKEN),
        "D cash-first": partial(two_transfers, Leg.CASH),
        "D random": partial(two_transfers, None),
    }
)
"""The design itself, or a broken variant of it, allows a loss; the search says whose."""
