"""Websocket connections on the ``websockets`` library's protocol core, one object each.

The library parses and checks the protocol (handshake, masking, fragments, close codes, sizes);
this module moves its bytes. Working on the protocol core instead of its coroutine API lets a turn
of the sequencer write all messages for a connection with one system call, and costs no task or
future a message (measured in bench/README.md).

Bounds of one connection: so long to finish the opening handshake, so many fragments a message, so
many unsent bytes before its own requests wait (a peer that does not read is not read either), so
long to answer a close. A defect while one is handled ends that connection alone, with 1011.
What a peer said whole before its close, or before its breach, is heard and answered first, however
the bytes were cut on their way; what comes behind our own last word is not heard.
Known limits: what the protocol core itself refuses (a frame too large, a reserved bit) is answered
by the close code only; connections that never finish the opening are bounded in time, not number.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Final, Protocol

from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from market.reasons import RejectReason

_FRAGMENTS_MAX: Final = 8
_OPENING_S_MAX: Final = 5.0
_CLOSE_WAIT_S: Final = 5.0
_UNSENT_BYTES_HIGH: Final = 1024 * 1024
_REASON_BYTES_MAX: Final = 123
_FINAL_TEXT: Final = b"\x81"
_PONG: Final = b"\x8a"
_SIZE_IN_ONE_BYTE_MAX: Final = 125
_SIZE_IN_TWO_BYTES_MAX: Final = 2**16 - 1


class Handler(Protocol):
    """What a connection tells its owner."""

    def opened(self) -> None:
        """The handshake is done; messages may be sent."""

    def received(self, payload: bytes, *, text: bool) -> None:
        """One whole message."""

    def closed(self) -> None:
        """The connection is gone; called exactly once after :meth:`opened`."""


def text_frame(payload: bytes) -> bytes:
    """One unmasked text frame (RFC 6455, 5.2); build it once to send it to many.

    A final frame of a server is a byte for its kind, the length in 1, 3 or 9 bytes, and the
    payload. Written out here because the library's general form costs six times as much.
    """
    size = len(payload)
    if size <= _SIZE_IN_ONE_BYTE_MAX:
        return _FINAL_TEXT + size.to_bytes(1, "big") + payload
    if size <= _SIZE_IN_TWO_BYTES_MAX:
        return _FINAL_TEXT + b"\x7e" + size.to_bytes(2, "big") + payload
    return _FINAL_TEXT + b"\x7f" + size.to_bytes(8, "big") + payload


class _Protocol(ServerProtocol):
    """The library's protocol, but for one thing it calls a breach and the RFC does not."""

    def recv_frame(self, frame: Frame) -> None:
        """Take a close inside a fragmented message as a close (RFC 6455, 5.4)."""
        if frame.opcode is Opcode.CLOSE:
            self.current_size = None
        super().recv_frame(frame)


class Connection(asyncio.Protocol):
    """One server-side websocket connection."""

    def __init__(
        self,
        path: str,
        make_handler: Callable[["Connection"], Handler],
        *,
        message_bytes_max: int,
        allowed_origins: Sequence[str],
    ) -> None:
        self._path = path
        self._make_handler = make_handler
        # no Origin header: a program; any other must be on the list
        self._protocol = _Protocol(
            origins=[None, *allowed_origins],  # type: ignore[list-item]
            max_size=message_bytes_max,
        )
        self._handler: Handler | None = None
        self._transport: asyncio.Transport | None = None
        self._fragments: list[bytes] = []
        self._fragment_opcode = Opcode.TEXT
        self._timer: asyncio.TimerHandle | None = None  # of the opening, then of the close
        self._is_reading = False  # the protocol may know of an end that was not said yet
        self._has_ended = False  # by us: nothing more is heard or sent
        self._has_written_all = False
        self._unsaid: deque[bytes] = deque()  # of the protocol core, to be said in its turn

    # --- for owners

    @property
    def is_open(self) -> bool:
        """Whether messages may still be sent."""
        if self._has_ended:
            return False
        return self._protocol.state is OPEN or (self._is_reading and self._handler is not None)

    @property
    def buffered_bytes(self) -> int:
        """Bytes accepted for sending that the peer has not taken yet."""
        return self._transport.get_write_buffer_size() if self._transport is not None else 0

    def send(self, payload: bytes) -> None:
        """Send one text message; silently nothing once the connection is closing."""
        self.send_frames(text_frame(payload))

    def send_frames(self, frames: bytes) -> None:
        """Send ready-made frames with one write."""
        if self._transport is not None and self.is_open:
            self._transport.write(frames)

    def close(self, code: int, reason: str) -> None:
        """Start the closing handshake; the connection is cut if the peer does not answer."""
        if self.is_open:
            self._has_ended = True
            if self._protocol.state is OPEN:
                self._protocol.send_close(code, reason[:_REASON_BYTES_MAX])
            self._flush()

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport; the peer speaks first, and soon."""
        self._transport = transport  # type: ignore[assignment]
        transport.set_write_buffer_limits(high=_UNSENT_BYTES_HIGH)  # type: ignore[attr-defined]
        self._cut_in(_OPENING_S_MAX)

    def data_received(self, data: bytes) -> None:
        """Feed the protocol and handle the events it completes."""
        self._protocol.receive_data(data)
        self._is_reading = True
        self._unsaid.extend(self._protocol.data_to_send())
        try:
            for event in self._protocol.events_received():
                if isinstance(event, Frame):
                    self._frame_received(event)
                elif isinstance(event, Request):
                    self._request_received(event)
        except Exception as defect:  # noqa: BLE001 - ours: this connection ends, the others go on
            self._has_ended = True
            self._protocol.fail(CloseCode.INTERNAL_ERROR, RejectReason.INTERNAL.value)
            asyncio.get_running_loop().call_exception_handler(
                {"message": "a message could not be handled", "exception": defect, "protocol": self}
            )
        finally:
            self._is_reading = False
        self._flush()

    def eof_received(self) -> None:
        """Tell the protocol that the peer will send no more."""
        self._protocol.receive_eof()
        self._flush()

    def pause_writing(self) -> None:
        """The peer does not read: what it asks for has to wait as well."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The peer reads again."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the owner, once."""
        del exc
        if self._timer is not None:
            self._timer.cancel()
        self._transport = None
        handler, self._handler = self._handler, None
        if handler is not None:
            handler.closed()

    # --- inside

    def _request_received(self, request: Request) -> None:
        if request.path.partition("?")[0] != self._path:
            response = self._protocol.reject(HTTPStatus.NOT_FOUND, f"try {self._path}\n")
        else:
            response = self._protocol.accept(request)
        self._protocol.send_response(response)
        self._flush()
        if self.is_open:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            self._handler = self._make_handler(self)
            self._handler.opened()

    def _frame_received(self, frame: Frame) -> None:
        if not self.is_open:
            return
        opcode, data = frame.opcode, bytes(frame.data)
        if opcode in (Opcode.TEXT, Opcode.BINARY):
            if frame.fin:
                self._message(data, opcode)
            else:
                self._fragments, self._fragment_opcode = [data], opcode
        elif opcode is Opcode.PING:
            self._pong()
        elif opcode is Opcode.CONT:
            self._fragments.append(data)
            if len(self._fragments) > _FRAGMENTS_MAX:
                self._has_ended = True
                self._protocol.fail(CloseCode.MESSAGE_TOO_BIG, "too many fragments")
            elif frame.fin:
                whole, self._fragments = b"".join(self._fragments), []
                self._message(whole, self._fragment_opcode)

    def _message(self, data: bytes, opcode: Opcode) -> None:
        if self._handler is not None:
            self._handler.received(data, text=opcode is Opcode.TEXT)

    def _flush(self) -> None:
        if self._transport is None or self._has_written_all:
            return
        unsaid, self._unsaid = self._unsaid, deque()
        for data in (*unsaid, *self._protocol.data_to_send()):
            if not data:
                self._end_writing(self._transport)
                break
            self._transport.write(data)
        if self._protocol.close_expected() and self._timer is None:
            self._cut_in(_CLOSE_WAIT_S)

    def _pong(self) -> None:
        """Write the pong of this ping, between the answers to what came before and after it."""
        if self._unsaid and self._unsaid[0][:1] == _PONG:
            pong = self._unsaid.popleft()
            if self._transport is not None and not self._has_written_all:
                self._transport.write(pong)

    def _end_writing(self, transport: asyncio.Transport) -> None:
        """What is buffered still goes out, and the peer ends the line (RFC 6455, 7.1.1).

        Closing at once, with bytes of the peer unread, would make the kernel reset the line: the
        peer might never see the close code.
        """
        self._has_ended = self._has_written_all = True
        if transport.can_write_eof():
            transport.write_eof()
        else:
            transport.close()

    def _cut_in(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._cut)

    def _cut(self) -> None:
        if self._transport is not None:
            self._transport.abort()
