"""Order entry and market data over real websockets: a venue process against a load process.

The venue is the shipped one (``python -m venue serve``) with its journal on this machine's disk,
pinned to one core; the load client (load_client.py) and the subscribers are pinned to another.
Every answer counted here is durable: the venue sends it after the sync that covers it.

Workload: requests of venue_flow.py; ``continuous`` (the mixed flow on eight issues, tse rules, day
kept open) and ``call`` (new orders in a START call phase with indicative prices). Eight sessions of
four firms. Throttles are set out of the way. Left out: a network, TLS, REST.

* pipelined: each session keeps 64 requests under way; read it as orders a second.
* open loop: Poisson arrivals at a fixed rate; latency from the intended send time to the arrival
  of the answer at the client, in a high dynamic range histogram. Each rate stands alone.
* feed: subscribers of orders, depth and trades of all issues while orders are pipelined.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from machine import describe
from msgspec import json as msgspec_json
from venue_flow import FIRMS, ISSUES, SECRET, SESSIONS, firm_of, key_of
from workloads import ISSUE, SEED

from market.words import Phase
from participants.keys import public_key_hex
from venue.app import READY_FILE
from venue.recovery import verify

RATES: Final = (500, 2_000, 5_000)
SUBSCRIBERS: Final = 200
FEED_CHANNELS: Final = ("orders", "depth", "trades", "auction")
HERE: Final = Path(__file__).parent

_SPEED: Final = 300.0
_OPENS_S: Final = 601
_TRADES_S: Final = 602
_CLOSES_S: Final = 85_000
_WAIT_S: Final = 60.0


def cores() -> tuple[set[int], set[int]]:
    """A core for the venue and one for the load; the same when there is only one."""
    usable = sorted(os.sched_getaffinity(0))
    return {usable[0]}, {usable[-1]}


def settings_of(flow: str) -> dict[str, Any]:
    """A venue whose market opens two seconds after its start and stays open."""
    phase = Phase.CONTINUOUS if flow == "continuous" else Phase.PRE_OPEN
    schedule = [
        {"second_of_day": second, "phase": name}
        for second, name in (
            (_OPENS_S, Phase.PRE_OPEN), (_TRADES_S, phase), (_CLOSES_S, Phase.CLOSED),
        )
    ]  # fmt: skip
    rules: dict[str, Any] = {"schedule": schedule}
    if flow == "continuous":
        rules["tick_table"] = json.loads(msgspec_json.encode(ISSUE.ticks))
        rules["limit_table"] = json.loads(msgspec_json.encode(ISSUE.limits))
    return {
        "run_id": "bench",
        "preset": "tse" if flow == "continuous" else "start",
        "rules": rules,
        "speed": _SPEED,
        "firms": [
            {
                "participant_id": firm,
                "name": firm,
                "cash_yen": 10**14,
                "units": dict.fromkeys(ISSUES, 100_000_000),
                "keys": [
                    {
                        "key_id": key_of(session),
                        "session_id": session,
                        "public_key_hex": public_key_hex(SECRET),
                    }
                    for session in SESSIONS
                    if firm_of(session) == firm
                ],
            }
            for firm in FIRMS
        ],
        "issues": [
            {
                "instrument_id": issue,
                "isin": "JP0000000001",
                "name": issue,
                "issued_units": 1_000_000_000,
            }
            for issue in ISSUES
        ],
        "server": {
            "rest_port": 0,
            "orders_port": 0,
            "feed_port": 0,
            "requests_per_second": 1_000_000,
            "requests_burst": 1_000_000,
        },
    }


@contextlib.contextmanager
def venue(flow: str, folder: Path) -> Iterator[tuple[dict[str, Any], subprocess.Popen[bytes]]]:
    """A running venue on its own core, its doors, and its end."""
    settings = folder / "venue.json"
    settings.write_text(json.dumps(settings_of(flow)), encoding="utf-8")
    out = folder / "run"
    process = subprocess.Popen(
        [sys.executable, "-m", "venue", "serve", "--settings", str(settings), "--out", str(out),
         "--no-timeline"],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    os.sched_setaffinity(process.pid, cores()[0])
    try:
        doors = out / READY_FILE
        until = time.monotonic() + _WAIT_S
        while not doors.exists():
            assert process.poll() is None, "the venue did not start"
            assert time.monotonic() < until, "the venue is ready in time"
            time.sleep(0.02)
        yield json.loads(doors.read_text(encoding="utf-8")), process
    finally:
        process.terminate()
        process.wait(_WAIT_S)


def _client(asked: dict[str, Any]) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, str(HERE / "load_client.py"), json.dumps(asked)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    os.sched_setaffinity(process.pid, cores()[1])
    return process


def run(
    flow: str, *, requests: int, mode: str, rate: int = 0, window: int = 64, subscribers: int = 0
) -> dict[str, Any]:
    """One run against a fresh venue; its journal is verified and replayed at the end."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with venue(flow, folder) as (doors, process):
            readers: subprocess.Popen[str] | None = None
            if subscribers:
                readers = _client(
                    {
                        "mode": "subscribe",
                        "url": doors["feed"],
                        "subscribers": subscribers,
                        "channels": FEED_CHANNELS,
                    }
                )
                assert readers.stdout is not None
                assert readers.stdout.readline().strip() == "ready"
            loader = _client(
                {
                    "mode": mode,
                    "flow": flow,
                    "url": doors["orders"],
                    "venue_pid": process.pid,
                    "requests": requests,
                    "rate": rate,
                    "window": window,
                    "seed": SEED,
                }
            )
            said, _ = loader.communicate(timeout=600)
            assert loader.returncode == 0, "the load client proved its answers"
            found: dict[str, Any] = json.loads(said)
            if readers is not None:
                time.sleep(0.5)  # what is on its way arrives
                told, _ = readers.communicate(timeout=60)
                found["feed"] = json.loads(told)
        verdict = verify(folder / "run")
        assert verdict.commands > requests, "every request is in the journal"
    return found


def per_second(found: dict[str, Any]) -> float:
    """Requests answered a second."""
    return float(found["requests"] / found["seconds"])


def _line(name: str, found: dict[str, Any]) -> None:
    print(
        f"{name:<34} {per_second(found):>8,.0f} orders/s   cpu: venue {found['venue_cpu']:.2f}, "
        f"client {found['client_cpu']:.2f}   answers {found['answers']}",
        flush=True,
    )


def measure_pipelined(requests: int, rounds: int) -> None:
    """Throughput, both flows."""
    for flow in ("continuous", "call"):
        for _ in range(rounds):
            _line(f"pipelined {flow}, 8 x 64", run(flow, requests=requests, mode="pipelined"))


def measure_open_loop(seconds: int, rounds: int, rates: tuple[int, ...] = RATES) -> None:
    """Latency at fixed rates."""
    for rate in rates:
        for _ in range(rounds):
            found = run("continuous", requests=rate * seconds // 8 * 8, mode="open_loop", rate=rate)
            _line(f"open loop {rate:,}/s, {seconds} s", found)
            for what in ("latency_us", "late_us"):
                texts = [f"{name} {value / 1000:.2f}" for name, value in found[what].items()]
                print(f"  {what.removesuffix('_us'):<10} ms  {', '.join(texts)}", flush=True)


def measure_feed(requests: int, rounds: int, subscribers: int = SUBSCRIBERS) -> None:
    """Fan-out."""
    for _ in range(rounds):
        found = run(
            "continuous", requests=requests, mode="pipelined", window=8, subscribers=subscribers
        )
        _line(f"feed to {subscribers} subscribers", found)
        feed = found["feed"]
        print(
            f"  {feed['messages'] / found['seconds']:,.0f} deliveries/s, "
            f"{feed['size_bytes'] / found['seconds'] / 1e6:.1f} MB/s; fewest {feed['fewest']:,} "
            f"most {feed['most']:,} a subscriber, {feed['lost']} closed; reader cpu "
            f"{feed['cpu']:.2f}",
            flush=True,
        )


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--requests", type=int, default=80_000)
    asked.add_argument("--seconds", type=int, default=20)
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--only", choices=("pipelined", "open_loop", "feed"))
    chosen = asked.parse_args()
    print(describe())
    print(f"pinned   venue on core {cores()[0]}, load on core {cores()[1]}\n")
    if chosen.only in (None, "pipelined"):
        measure_pipelined(chosen.requests, chosen.rounds)
    if chosen.only in (None, "open_loop"):
        measure_open_loop(chosen.seconds, chosen.rounds)
    if chosen.only in (None, "feed"):
        measure_feed(chosen.requests // 40, chosen.rounds)


if __name__ == "__main__":
    main()
