"""A FIX client: logs on, keeps its numbers, fills gaps both ways. For demonstrations and tests.

It speaks either profile. What it sends is kept for a resend; what it misses it asks for; numbers
live in the object, so the same client may :meth:`open` again after a lost connection and goes on.
``watch`` is called with each application message of the venue once, in sequence.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from typing import Final

from market.errors import KitahamaError
from participants.fix_codec import FixMessage, Framer, body, decode, encode
from participants.fix_records import utc_text
from venue.seams import wall_ns

_SESSION_KINDS: Final = frozenset("012345A")
_INBOUND_BYTES_MAX: Final = 1 << 24


class FixClosed(KitahamaError):
    """The venue ended the connection; the message has its last Text (58)."""


class FixClient:
    """One session of one firm.

    Attributes:
        messages: Application messages of the venue, in sequence, each once.
        next_in: The number the venue's next message must carry.
        next_out: The number our next message will carry.
    """

    def __init__(
        self,
        host: str,
        port: int,
        comp_id: str,
        *,
        target: str = "KITAHAMA",
        begin: str = "FIX.4.2",
        heartbeat_s: int = 30,
        watch: Callable[[FixMessage], None] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """A client that is not connected yet.

        Args:
            host: Of the door.
            port: Of the door.
            comp_id: Our SenderCompID, a session of the firm.
            target: The venue's comp id.
            begin: FIX.4.2 or FIX.4.4.
            heartbeat_s: HeartBtInt.
            watch: Called with each application message.
            tls: For a door with a certificate.
        """
        self._where = (host, port)
        self._comp_id = comp_id
        self._target = target
        self._begin = begin
        self._heartbeat_s = heartbeat_s
        self._watch = watch
        self._tls = tls
        self._sent: dict[int, tuple[str, bytes]] = {}
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._asked = False
        self._has_logged_out = False
        self._last_text = ""
        self.next_in = 1
        self.next_out = 1
        self.messages: list[FixMessage] = []
        self.is_live = False
        self.changed = asyncio.Event()

    async def open(self, *extra: tuple[int, object]) -> None:
        """Connect and log on.

        Args:
            extra: More fields of the logon, as ResetSeqNumFlag; with it numbers begin anew.

        Raises:
            FixClosed: When the venue refuses.
        """
        if (141, "Y") in extra:
            self.next_in = self.next_out = 1
            self._sent = {}
        self._asked = self._has_logged_out = False
        self._reader, self._writer = await asyncio.open_connection(*self._where, ssl=self._tls)
        self.is_live = False
        self._session("A", (98, 0), (108, self._heartbeat_s), *extra)
        self._tasks = [
            asyncio.create_task(self._read()),
            asyncio.create_task(self._beat()),
        ]
        await self.until(lambda: self.is_live)

    def send(self, kind: str, *fields: tuple[int, object]) -> int:
        """Send an application message; its number. TransactTime (60) is put in."""
        content = body(*fields, (60, utc_text(wall_ns())))
        number = self.next_out
        self._sent[number] = (kind, content)
        self.next_out = number + 1
        self._write(self._frame(kind, number, content))
        return number

    async def until(self, fact: Callable[[], bool]) -> None:
        """Wait until something is so.

        Raises:
            FixClosed: When the connection ends before.
        """
        while not fact():
            if self._writer is None:
                raise FixClosed(f"{self._comp_id}: closed: {self._last_text or 'without a word'}")
            self.changed.clear()
            await self.changed.wait()

    async def ended(self) -> None:
        """Wait for the venue to end the connection."""
        with contextlib.suppress(FixClosed):
            await self.until(lambda: False)
        await self._finish()

    async def close(self) -> None:
        """Log out and wait for the end; silently nothing when it is closed."""
        if self._writer is not None:
            self._log_out()
            with contextlib.suppress(FixClosed):
                await self.until(lambda: self._writer is None)
        await self._finish()

    async def drop(self) -> None:
        """Cut the connection without a word."""
        if self._writer is not None:
            self._writer.transport.abort()
        await self._finish()

    async def _finish(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        self._writer = None

    # --- frames

    def _frame(self, kind: str, number: int, content: bytes, *, again: bool = False) -> bytes:
        now = utc_text(wall_ns())
        dup = f"43=Y\x01122={now}\x01" if again else ""
        head = (
            f"35={kind}\x0149={self._comp_id}\x0156={self._target}\x01"
            f"34={number}\x0152={now}\x01{dup}"
        )
        return encode(self._begin, head.encode() + content)

    def _session(self, kind: str, *fields: tuple[int, object]) -> None:
        number = self.next_out
        self.next_out = number + 1
        self._write(self._frame(kind, number, body(*fields)))

    def _log_out(self) -> None:
        if not self._has_logged_out:  # the venue's Logout may be its answer to ours
            self._has_logged_out = True
            self._session("5")

    def _write(self, frame: bytes) -> None:
        if self._writer is not None:
            self._writer.write(frame)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._heartbeat_s)
            self._session("0")

    async def _read(self) -> None:
        framer = Framer(_INBOUND_BYTES_MAX)
        reader = self._reader
        try:
            while reader is not None and (data := await reader.read(1 << 16)):
                for raw in framer.feed(data):
                    message = decode(raw)
                    if message is not None:
                        self._received(message)
                self.changed.set()
        except ConnectionError:
            pass
        finally:
            if self._writer is not None:
                self._writer.close()
            self._writer = None
            self.is_live = False
            self.changed.set()

    def _received(self, message: FixMessage) -> None:
        number = int(message.get(34))
        kind = message.kind
        if kind == "5":
            self._last_text = message.get(58)
        if number > self.next_in:
            if kind == "A":
                self.is_live = True
            if kind == "2":
                self._resend(message)
            if not self._asked:
                self._asked = True
                self._session("2", (7, self.next_in), (16, 0))
            return
        if number < self.next_in:
            return
        self.next_in = number + 1
        if kind == "4":
            self.next_in = int(message.get(36))
        self._asked = self._asked and message.get(43) == "Y"
        if kind not in _SESSION_KINDS:
            self.messages.append(message)
            if self._watch is not None:
                self._watch(message)
        elif kind == "A":
            self.is_live = True
        elif kind == "1":
            self._session("0", (112, message.get(112)))
        elif kind == "2":
            self._resend(message)
        elif kind == "5" and self._writer is not None:
            self._log_out()
            self._writer.close()

    def _resend(self, message: FixMessage) -> None:
        first, last = int(message.get(7)), int(message.get(16)) or self.next_out - 1
        gap = first
        for number in range(first, last + 1):
            sent = self._sent.get(number)
            if sent is None:
                continue
            if gap < number:
                self._gap_fill(gap, number)
            self._write(self._frame(sent[0], number, sent[1], again=True))
            gap = number + 1
        if gap <= last:
            self._gap_fill(gap, last + 1)

    def _gap_fill(self, number: int, next_number: int) -> None:
        content = body((123, "Y"), (36, next_number))
        self._write(self._frame("4", number, content, again=True))
