"""The model search at length: more outages, more time, both parties may go, stops.

    python -m tests.model_search [--crashes 3] [--outage-ticks 4] [--defaults 2] [--toggles 0]

Prints for each protocol how many worlds it reached, how deep, and every way to lose principal with bearer,
cause and a shortest path. Fails when a protocol that promises both legs or none breaks its promise.
"""

import argparse
import sys

from settlement.designs.catalogue import SAFE, UNSAFE, WITHIN_MARGIN
from settlement.designs.rules import check_life
from settlement.designs.search import Bounds, search


def say(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    """Search every protocol; the number of broken promises."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--crashes", type=int, default=3)
    parser.add_argument("--outage-ticks", type=int, default=4)
    parser.add_argument("--defaults", type=int, default=2)
    parser.add_argument("--toggles", type=int, default=0)
    asked = parser.parse_args(arguments)
    bounds = Bounds(asked.crashes, asked.outage_ticks, asked.defaults, asked.toggles)
    broken = 0
    for name, build in {**SAFE, **WITHIN_MARGIN, **UNSAFE}.items():
        protocol = build()
        check_life(protocol)
        found = search(protocol, bounds)
        say(f"{name:<20} {found.worlds:>9,} worlds, {found.depth} deep")
        for loss in found.losses:
            say(f"  lost by {loss.bearer}, caused by {loss.cause}: {', '.join(loss.path)}")
        for who, *path in found.stuck:
            say(f"  no exit of its own for {who} after {', '.join(path)}")
        broken += name in SAFE and bool(found.losses or found.stuck)
    return broken


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
