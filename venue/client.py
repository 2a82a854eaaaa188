"""The reference client: logs on, sends requests, keeps every report, comes back after a loss.

Read it as documentation of the order-entry door: everything a firm's own client needs is in this
one module and participants/keys.py. It uses the coroutine API of ``websockets``.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from market.errors import KitahamaError
from participants.keys import NONCE_BYTES, Transcript, sign
from venue.seams import random_bytes, wall_ns

_ANSWER_S_MAX: Final = 30.0
_VERSION: Final = 1
_PINGS_IN_IDLE: Final = 3

Message = dict[str, Any]


class LogonRefused(KitahamaError):
    """The venue said no; ``code`` is from the catalogue."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        super().__init__(f"{code}: {text}")


@dataclass(slots=True)
class Identity:
    """Who logs on: names as registered, and the 32-byte private seed."""

    participant_id: str
    session_id: str
    key_id: str
    private_key: bytes


@dataclass(slots=True)
class OrderClient:
    """One session, over as many connections as it takes.

    Attributes:
        reports: Every numbered message received, by its number; the firm's own record.
        on_report: Called with each numbered message once.
        answers: Answers received, numbered or not; each request gets exactly one.
    """

    url: str
    identity: Identity
    disconnect: str = "off"
    grace_ms: int = 0
    on_report: Callable[[Message], None] | None = None
    reports: dict[int, Message] = field(default_factory=dict)
    logon_ok: Message = field(default_factory=dict)
    answers: int = 0
    _socket: ClientConnection | None = None
    _reader: asyncio.Task[None] | None = None
    _pinger: asyncio.Task[None] | None = None
    _waiting: dict[str, asyncio.Future[Message]] = field(default_factory=dict)
    _heard: asyncio.Event = field(default_factory=asyncio.Event)
    _contiguous: int = 0
    _next_seq: int = 1
    _requests: int = 0

    @property
    def last_report_seq(self) -> int:
        """The highest number up to which nothing is missing."""
        while self._contiguous + 1 in self.reports:
            self._contiguous += 1
        return self._contiguous

    async def open(self, *, takeover: bool = False) -> Message:
        """Connect, log on, and ask again for every report that was missed.

        Raises:
            LogonRefused: With the venue's code.
            OSError: When nobody listens.
        """
        socket = await connect(self.url, compression=None, max_size=2**20)
        try:
            hello = json.loads(await socket.recv())
            await socket.send(json.dumps(self._logon(hello, takeover=takeover)))
            answer: Message = json.loads(await socket.recv())
        except ConnectionClosed as closed:
            raise LogonRefused("CLOSED", str(closed)) from closed
        if not answer["ok"]:
            await socket.close()
            raise LogonRefused(answer["error"]["code"], answer["error"]["text"])
        self._socket, self.logon_ok = socket, answer["result"]
        self._next_seq = self.logon_ok["next_seq"]
        self._reader = asyncio.create_task(self._read(socket))
        self._pinger = asyncio.create_task(self._keep_alive(socket, self.logon_ok["idle_ms"]))
        await self._catch_up(self.logon_ok["next_report_seq"] - 1)
        return self.logon_ok

    async def _keep_alive(self, socket: ClientConnection, idle_ms: int) -> None:
        """Say something well within the idle limit, or the venue ends the session."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                await asyncio.sleep(idle_ms / 1000 / _PINGS_IN_IDLE)
                await socket.send(json.dumps({"method": "ping", "req_id": "keep-alive"}))

    async def _catch_up(self, head: int) -> None:
        """Ask again for every report up to ``head`` that was missed, a page at a time."""
        while self.last_report_seq < head:
            held = self.last_report_seq
            answer = await self.request("report.resend", {"from_seq": held + 1})
            error = answer.get("error")
            if error is not None and error["code"] == "THROTTLED":
                await asyncio.sleep(error["retry_after_ms"] / 1000)
            elif error is not None:
                raise LogonRefused(error["code"], error["text"])
            else:
                await self._until_report(min(answer["result"]["to_seq"], head))

    async def _until_report(self, seq: int) -> None:
        while self.last_report_seq < seq and self._reader is not None and not self._reader.done():
            self._heard.clear()
            await self._heard.wait()

    def _logon(self, hello: Message, *, takeover: bool) -> Message:
        who, at_ns = self.identity, wall_ns()
        nonce = random_bytes(NONCE_BYTES).hex()
        transcript = Transcript(
            environment=hello["environment"],
            run_id=hello["run_id"],
            server_nonce_hex=hello["nonce"],
            client_nonce_hex=nonce,
            participant_id=who.participant_id,
            session_id=who.session_id,
            key_id=who.key_id,
            at_ns=at_ns,
            last_seen_report_seq=self.last_report_seq,
            next_seq=self._next_seq,
            takeover=takeover,
            disconnect=f"{self.disconnect}:{self.grace_ms}",
        )
        wish: Message = {"mode": self.disconnect}
        if self.grace_ms:
            wish["grace_ms"] = self.grace_ms
        return {
            "method": "logon",
            "req_id": "logon",
            "params": {
                "version": _VERSION,
                "key_id": who.key_id,
                "session_id": who.session_id,
                "client_nonce": nonce,
                "at_ns": at_ns,
                "last_seen_report_seq": self.last_report_seq,
                "next_seq": self._next_seq,
                "takeover": takeover,
                "cancel_on_disconnect": wish,
                "signature": sign(who.private_key, transcript.to_bytes()),
            },
        }

    async def request(self, method: str, params: Message | None = None) -> Message:
        """Send a request and wait for its one answer.

        Raises:
            ConnectionClosed: When the connection was lost before the answer came; the request's
                outcome is then learned by sending the same content again with the same id.
        """
        return await asyncio.wait_for(await self.send(method, params), _ANSWER_S_MAX)

    async def say_of_delivery(
        self, word: str, delivery_id: str, side: str, *, name: str, reason: str = ""
    ) -> Message:
        """Speak for the firm's side of a delivery and wait for the answer.

        Args:
            word: affirm, hold, release, consent, reverse, decline_parts or agree_parts.
            delivery_id: As in the trade's report.
            side: The firm's, buy or sell.
            name: The request's own name; sent again with the same content it is done once.
            reason: A word of plain letters for the other side, where the request has one.
        """
        params = {"client_request_id": name, "delivery_id": delivery_id, "side": side}
        if reason:
            params["reason"] = reason
        return await self.request(f"delivery.{word}", params)

    async def send(self, method: str, params: Message | None = None) -> "asyncio.Future[Message]":
        """Send a request; the future holds its answer once it comes."""
        if self._socket is None:
            raise KitahamaError("not connected")
        self._requests += 1
        req_id = str(self._requests)
        message: Message = {"method": method, "req_id": req_id}
        if method != "ping":
            message["seq"] = self._next_seq
            self._next_seq += 1
        if params is not None:
            message["params"] = params
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[req_id] = future
        await self._socket.send(json.dumps(message))
        return future

    async def close(self, *, cancel_open: bool = False) -> None:
        """Log out and close."""
        if self._socket is None:
            return
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            await self.request("logout", {"cancel_open": cancel_open})
        await self._drop()

    async def lose(self) -> None:
        """Cut the connection without a word, as a crash or a broken line would."""
        if self._socket is not None:
            self._socket.transport.abort()
        await self._drop()

    async def _drop(self) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.close()
        if self._reader is not None:
            await self._reader
            self._reader = None

    async def closed(self) -> None:
        """Wait until the connection has ended, from whichever side."""
        if self._reader is not None:
            await asyncio.wait([self._reader])

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for text in socket:
                self._received(json.loads(text))
        except ConnectionClosed:
            pass
        if self._pinger is not None:
            self._pinger.cancel()
        self._heard.set()
        lost = ConnectionClosed(None, None)
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(lost)
                future.exception()  # whoever waits sees it; nobody has to
        self._waiting.clear()

    def _received(self, message: Message) -> None:
        seq = message.get("seq")
        if seq is not None:
            old = self.reports.get(seq)
            if old is not None and old != message:
                raise KitahamaError(f"report {seq} came back different")
            self.reports[seq] = message
            self._heard.set()
            if old is None and self.on_report is not None:
                self.on_report(message)
        future = self._waiting.pop(message.get("req_id") or "", None)
        if future is not None and not future.done():
            self.answers += 1
            future.set_result(message)
