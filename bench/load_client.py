"""A load client that is cheaper than what it loads: raw websocket frames over asyncio protocols.

Runs as its own process, started by run_wire.py. All frames are made before the clock starts, with
an all-zero masking key (allowed by RFC 6455, and the server unmasks all the same), so sending is
one write. Reading looks at frame headers and at the first bytes of a payload; whether every answer
belongs to its request is proven after the clock has stopped.

* ``pipelined``: each session keeps ``window`` requests under way.
* ``open_loop``: requests leave at intended times (seeded Poisson), answered or not. Latency counts
  from the intended time, so a stall is felt by all it delays. The sender polls the clock, so this
  process uses all of its core by design; ``late`` says how late it was itself.
* ``subscribe``: connections to the feed that count messages and do nothing else.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter_ns, process_time
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np
import uvloop
from hdrh.histogram import HdrHistogram
from logon import logon_text, request_text
from venue_flow import SESSIONS, call_requests, mixed_requests

from market.commands import Request
from market.ids import ClientOrderId, SessionId

WARM_UP_SHARE: Final = 0.1
"""The first tenth of an open-loop run is not in the histogram."""

_NS_PER_US: Final = 1_000
_NS_PER_S: Final = 1_000_000_000
_LONGEST_US: Final = 60_000_000
_ANSWER: Final = b'{"method"'
_UPDATE: Final = b'{"channel":'


class Stopwatch:
    """Real time, and the processor time that this process and the venue took in it."""

    def __init__(self, venue_pid: int) -> None:
        self._venue = Path(f"/proc/{venue_pid}/stat")
        self._venue_cpu_s = self._venue_seconds()
        self._cpu_s = process_time()
        self.began_ns = perf_counter_ns()

    def _venue_seconds(self) -> float:
        fields = self._venue.read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / float(os.sysconf("SC_CLK_TCK"))

    def read(self) -> dict[str, Any]:
        """Seconds since the start, and shares of one core."""
        seconds = (perf_counter_ns() - self.began_ns) / _NS_PER_S
        return {
            "seconds": seconds,
            "client_cpu": (process_time() - self._cpu_s) / seconds,
            "venue_cpu": (self._venue_seconds() - self._venue_cpu_s) / seconds,
        }


def masked(payload: bytes) -> bytes:
    """A final text frame of a client, with a masking key of zeros."""
    size = len(payload)
    if size <= 125:
        return bytes((0x81, 0x80 | size, 0, 0, 0, 0)) + payload
    return b"\x81\xfe" + size.to_bytes(2, "big") + bytes(4) + payload


class RawClient(asyncio.Protocol):
    """One websocket connection; ``on_chunk`` gets the payloads of each read."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "", parts.port or 0
        self._path = parts.path
        self._rest = b""
        self._upgraded = False
        self._first: asyncio.Queue[bytes] = asyncio.Queue()
        self.on_chunk: Callable[[list[bytes], int], None] | None = None
        self.transport: asyncio.Transport
        self.lost = False

    async def connect(self) -> None:
        """Connect and ask for the upgrade."""
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self, self.host, self.port)
        self.transport.write(
            f"GET {self._path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self.transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that nothing more will come."""
        del exc
        self.lost = True
        self._first.put_nowait(b"{}")

    async def ask(self, payload: bytes) -> dict[str, Any]:
        """Send one message and take the next one that is not news."""
        self.transport.write(masked(payload))
        return await self.next_message(answer=True)

    async def next_message(self, *, answer: bool = False) -> dict[str, Any]:
        """The next message; before ``on_chunk`` is set."""
        while True:
            payload = await self._first.get()
            if not answer or payload.startswith(_ANSWER) or self.lost:
                message: dict[str, Any] = json.loads(payload)
                return message

    def data_received(self, data: bytes) -> None:
        """Cut frames; a server's frames are not masked, and these are never fragments."""
        now = perf_counter_ns()
        if self._rest:
            data = self._rest + data
        position = 0
        if not self._upgraded:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._rest = data
                return
            assert data.startswith(b"HTTP/1.1 101"), data
            self._upgraded, position = True, end + 4
        payloads: list[bytes] = []
        length = len(data)
        while position + 2 <= length:
            size, start = data[position + 1], position + 2
            if size == 126:
                start += 2
                size = int.from_bytes(data[position + 2 : start], "big")
            elif size == 127:
                start += 8
                size = int.from_bytes(data[position + 2 : start], "big")
            if start + size > length:
                break
            payloads.append(data[start : start + size])
            position = start + size
        self._rest = data[position:]
        if self.on_chunk is not None:
            self.on_chunk(payloads, now)
        else:
            for payload in payloads:
                self._first.put_nowait(payload)


@dataclass(slots=True)
class Line:
    """One session's requests and what came of them."""

    session_id: SessionId
    client: RawClient
    requests: list[Request] = field(default_factory=list)
    frames: list[bytes] = field(default_factory=list)
    intended_ns: list[int] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)
    answered_ns: list[int] = field(default_factory=list)
    reports: int = 0
    sent: int = 0
    next_seq: int = 1


async def log_on(url: str) -> list[Line]:
    """Open every session."""
    lines: list[Line] = []
    for session_id in SESSIONS:
        client = RawClient(url)
        await client.connect()
        hello = await client.next_message()
        answer = await client.ask(logon_text(hello, session_id))
        assert answer["ok"], answer
        lines.append(Line(session_id, client, next_seq=answer["result"]["next_seq"]))
    return lines


async def until_open(line: Line, sample: Request) -> None:
    """Try a small order until the market takes it."""
    attempt = 0
    while True:
        attempt += 1
        text = json.loads(request_text(sample, line.next_seq))
        text["params"]["client_order_id"] = ClientOrderId(f"try-{attempt}")
        line.next_seq += 1
        answer = await line.client.ask(json.dumps(text).encode())
        if answer["ok"]:
            return
        assert answer["error"]["code"] in {"PHASE_CLOSED", "NOT_TRADABLE"}, answer
        await asyncio.sleep(0.05)


def share_out(lines: list[Line], requests: list[Request]) -> list[tuple[Line, int]]:
    """Give every session its requests as frames; returns whose turn it is, in order."""
    by_name = {line.session_id: line for line in lines}
    turns: list[tuple[Line, int]] = []
    for request in requests:
        line = by_name[request.session_id]
        line.frames.append(masked(request_text(request, line.next_seq)))
        line.requests.append(request)
        turns.append((line, len(line.frames) - 1))
        line.next_seq += 1
    return turns


def listen(line: Line, then: Callable[[Line, int], None]) -> None:
    """Collect answers; ``then`` hears how many came in one read."""

    def chunk(payloads: list[bytes], now: int) -> None:
        count = 0
        for payload in payloads:
            if payload.startswith(_ANSWER):
                line.answers.append(payload)
                line.answered_ns.append(now)
                count += 1
            else:
                line.reports += 1
        if count:
            then(line, count)

    line.client.on_chunk = chunk


async def pipelined(lines: list[Line], window: int, venue_pid: int) -> dict[str, Any]:
    """Keep ``window`` requests of each session under way until all are answered."""
    done = asyncio.get_running_loop().create_future()
    waiting = [sum(len(line.frames) for line in lines)]

    def send(line: Line, count: int) -> None:
        part = line.frames[line.sent : line.sent + count]
        if part:
            line.sent += len(part)
            line.client.transport.write(b"".join(part))

    def answered(line: Line, count: int) -> None:
        waiting[0] -= count
        if not waiting[0]:
            done.set_result(None)
        send(line, count)

    for line in lines:
        listen(line, answered)
    clock = Stopwatch(venue_pid)
    for line in lines:
        send(line, window)
    await done
    return clock.read()


async def open_loop(
    turns: list[tuple[Line, int]], rate: int, seed: int, venue_pid: int
) -> dict[str, Any]:
    """Send each request at its intended time; wait for the last answer."""
    lines = list({line.session_id: line for line, _ in turns}.values())
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    waiting = [len(turns)]

    def answered(line: Line, count: int) -> None:
        del line
        waiting[0] -= count
        if not waiting[0]:
            done.set_result(None)

    for line in lines:
        listen(line, answered)
    gaps = np.random.Generator(np.random.PCG64(seed)).exponential(_NS_PER_S / rate, len(turns))
    clock = Stopwatch(venue_pid)
    intended = (clock.began_ns + np.cumsum(gaps).astype(np.int64)).tolist()
    late_ns: list[int] = []
    place = 0
    while place < len(turns):
        now = perf_counter_ns()
        while place < len(turns) and intended[place] <= now:
            line, number = turns[place]
            line.intended_ns.append(intended[place])
            late_ns.append(now - intended[place])
            line.client.transport.write(line.frames[number])
            place += 1
        await asyncio.sleep(0)
    await done
    found = clock.read()
    latency, late = HdrHistogram(1, _LONGEST_US, 3), HdrHistogram(1, _LONGEST_US, 3)
    warm = clock.began_ns + int(found["seconds"] * _NS_PER_S * WARM_UP_SHARE)
    for line in lines:
        for sent, answered_at in zip(line.intended_ns, line.answered_ns, strict=True):
            if sent >= warm:
                latency.record_value((answered_at - sent) // _NS_PER_US + 1)
    for value in late_ns:
        late.record_value(value // _NS_PER_US + 1)
    return found | {"latency_us": _percentiles(latency), "late_us": _percentiles(late)}


def _percentiles(histogram: HdrHistogram) -> dict[str, int]:
    ranks = (("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("p99.9", 99.9), ("max", 100.0))
    return {name: histogram.get_value_at_percentile(rank) for name, rank in ranks}


def prove(lines: list[Line]) -> dict[str, int]:
    """Each request got exactly one answer, its own, in order; count the answers by code."""
    tally: dict[str, int] = {}
    for line in lines:
        assert len(line.answers) == len(line.requests), line.session_id
        for request, text in zip(line.requests, line.answers, strict=True):
            answer = json.loads(text)
            assert answer["req_id"] == request.req_id, (answer, request)
            code = "ok" if answer["ok"] else answer["error"]["code"]
            tally[code] = tally.get(code, 0) + 1
    return tally


async def load(asked: dict[str, Any]) -> dict[str, Any]:
    """One run of order entry."""
    if asked["flow"] == "continuous":
        requests, _ = mixed_requests(asked["requests"])
    else:
        requests = call_requests(asked["requests"])
    lines = await log_on(asked["url"])
    sample = requests[0]
    await until_open(next(line for line in lines if line.session_id == sample.session_id), sample)
    turns = share_out(lines, requests)
    if asked["mode"] == "pipelined":
        found = await pipelined(lines, asked["window"], asked["venue_pid"])
    else:
        found = await open_loop(turns, asked["rate"], asked["seed"], asked["venue_pid"])
    found["requests"] = len(requests)
    found["answers"] = prove(lines)
    found["news"] = sum(line.reports for line in lines)
    return found


class Counter(RawClient):
    """A subscriber that only counts: no frame is cut, the start of each message is found."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.counting = False
        self.messages = self.size_bytes = 0
        self._tail = b""

    def data_received(self, data: bytes) -> None:
        """Count once counting has begun; before that, read."""
        if not self.counting:
            super().data_received(data)
            return
        self.size_bytes += len(data)
        seen = self._tail + data
        self.messages += seen.count(_UPDATE)
        self._tail = seen[-(len(_UPDATE) - 1) :]


async def subscribe(asked: dict[str, Any]) -> dict[str, Any]:
    """Count what ``subscribers`` connections receive, from the line "go" to the end of stdin."""
    clients = [Counter(asked["url"]) for _ in range(asked["subscribers"])]
    wish = json.dumps(
        {
            "method": "subscribe",
            "req_id": "1",
            "params": {"channels": [{"name": name} for name in asked["channels"]]},
        }
    ).encode()
    for client in clients:
        await client.connect()
        await client.next_message()
        answer = await client.ask(wish)
        assert answer["ok"], answer
    await asyncio.sleep(0.2)  # the snapshots have come
    for client in clients:
        client.counting = True
    print("ready", flush=True)
    cpu, began = process_time(), perf_counter_ns()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    seconds = (perf_counter_ns() - began) / _NS_PER_S
    counts = [client.messages for client in clients]
    return {
        "messages": sum(counts),
        "fewest": min(counts),
        "most": max(counts),
        "size_bytes": sum(client.size_bytes for client in clients),
        "lost": sum(client.lost for client in clients),
        "cpu": (process_time() - cpu) / seconds,
    }


def main() -> None:
    """Do what the JSON argument asks and print the result as JSON."""
    asked = json.loads(sys.argv[1])
    work = subscribe(asked) if asked["mode"] == "subscribe" else load(asked)
    print(json.dumps(uvloop.run(work)), flush=True)


if __name__ == "__main__":
    main()
