"""The door of a trial: who may ask about what, and what anybody learns who may not.

| asker | sees |
|---|---|
| seller, buyer of the obligation | its state |
| a system that settles it | its state |
| anybody else | unknown, as of an obligation that does not exist |

The answer to a stranger is one word whatever the id, so nothing can be learnt from it (I14). Reading moves nothing (I25).
Cost: O(1). Errors: none.
"""

from typing import Final

from settlement.trials.desk import Desk
from settlement.trials.records import SYSTEMS, Asked

UNKNOWN: Final = "unknown"


def ask(desk: Desk, asker: str, name: str) -> str:
    """The state of an obligation, for those who may see it."""
    deal = desk.deals.get(name)
    told = UNKNOWN
    desk.watch.reading = True
    if deal is not None and asker in {deal.trade.seller, deal.trade.buyer, *SYSTEMS}:
        told = str(deal.state)
    desk.watch.reading = False
    desk.write(Asked(at_ns=desk.at_ns, asker=asker, deal=name, told=told))
    return told
