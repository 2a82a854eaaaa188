"""An outside judge at length: ``python -m tests.conformance --traces 200``.

Every book in tests/books.py, in a process of its own, under every FIFO profile of
``tracebook-conformance`` and under its two ways of self-trade prevention. Each profile is the
tool's fixed adversarial traces followed by as many generated ones as asked; the tool shrinks the
first difference to the smallest trace that shows it and leaves it in ``run/conformance``.
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tracebook.conformance import (
    CampaignProfile,
    ExternalProcessAdapterFactory,
    campaign_profile_names,
    get_campaign_profile,
    run_campaign,
    run_qualification,
    write_campaign_artifacts,
)
from tracebook.conformance.protocol import AdapterFactory
from tracebook.core.order import SelfTradePolicy

HERE = Path(__file__).parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

from books import BOOKS  # noqa: E402  found beside this file once its folder is on the path

OUT = HERE.parent / "run" / "conformance"
PROFILES = campaign_profile_names()
POLICIES = (SelfTradePolicy.CANCEL_RESTING, SelfTradePolicy.CANCEL_INCOMING)


def preventing(policy: SelfTradePolicy) -> CampaignProfile:
    """The fullest profile, with four owners who may not trade with themselves."""
    full = get_campaign_profile("fifo-full-v1")
    config = replace(full.config, self_trade_policy=policy)
    return replace(full, name=f"fifo-full, {policy.name}", config=config)


def process_on(book: str) -> AdapterFactory:
    """The adapter program on one kind of book, a fresh process for every run."""
    command = (sys.executable, str(HERE / "conformance_adapter.py"), "--book", book)
    return ExternalProcessAdapterFactory(command, timeout_seconds=60)


def judged(
    on_book: Callable[[str], AdapterFactory], book: str, seed: int, traces: int, events: int
) -> list[tuple[str, str]]:
    """Each profile with what was wrong under it; an empty text is a pass."""
    verdicts = []
    for name in PROFILES:
        result = run_qualification(
            on_book(book), name, seed=seed, traces=traces, events_per_trace=events
        )
        wrong = [
            f"{case['name']} differs"
            for case in result.suite_report["cases"]
            if not case["report"]["conformant"]
        ]
        campaign = result.campaign
        wrong += [] if campaign.conformant else [str(campaign.failure_bundle_dict())]
        missing = campaign.semantic_coverage.uncovered_capabilities
        wrong += [f"never seen: {', '.join(missing)}"] if missing else []
        if not campaign.conformant:
            write_campaign_artifacts(campaign, OUT / f"{book}-{name}-{seed}")
        assert result.qualified == (not wrong)
        verdicts.append((name, "; ".join(wrong)))
    for policy in POLICIES:
        profile = preventing(policy)
        campaign = run_campaign(
            on_book(book), profile, seed=seed, traces=traces, events_per_trace=events
        )
        told = "" if campaign.conformant else str(campaign.failure_bundle_dict())
        verdicts.append((profile.name, told))
    return verdicts


def main() -> int:
    """Run every book under every profile; 1 when one differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("--traces", type=int, default=200, help="generated traces a profile")
    parser.add_argument("--events", type=int, default=250, help="events a trace")
    parser.add_argument("--seed", type=int, default=1, help="seed of the generated traces")
    asked = parser.parse_args()
    failed = 0
    for book in BOOKS:
        began = time.monotonic()
        for name, wrong in judged(process_on, book, asked.seed, asked.traces, asked.events):
            failed += bool(wrong)
            sys.stdout.write(f"{book:<10}{name:<30}{wrong or 'the same'}\n")
            sys.stdout.flush()
        spent = time.monotonic() - began
        sys.stdout.write(f"{book:<10}{asked.traces} traces a profile, {spent:.0f} s\n")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
