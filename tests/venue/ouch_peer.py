"""A stranger at the OUCH port: Nasdaq's own SoupBinTCP and OUCH classes, in a process of its own.

The table of messages is written out here once more and shares nothing with ours: names, widths and
types from PROTOCOLS.md. Asked ``port username sequence`` on the command line; then each line of its
input is a message to send, ``["O", {...}]``, and each line of its output one that came, with its
bytes in hex. Ends with the connection, or with its input.
"""

import asyncio
import json
import sys
from typing import Any

from nasdaq_protocols import ouch
from nasdaq_protocols.common.message import (
    CharAscii,
    Field,
    FixedAsciiString,
    Record,
    UnsignedIntBE,
    UnsignedLongBE,
)

TABLE = {
    ("O", "incoming"): "token4 ref=10 side=1 quantity4 book=4 group=4 price4 tif4 firm=4 display=1"
    " capacity=1 minimum4 class=1 margin=1",
    ("U", "incoming"): "existing4 token4 quantity4 price4 tif4 display=1 minimum4",
    ("X", "incoming"): "token4 quantity4",
    ("S", "outgoing"): "at8 event=1",
    ("A", "outgoing"): "at8 token4 ref=10 side=1 quantity4 book=4 group=4 price4 tif4 firm=4"
    " display=1 capacity=1 order8 minimum4 state=1 class=1 margin=1",
    ("U", "outgoing"): "at8 token4 side=1 quantity4 book=4 group=4 price4 tif4 display=1 order8"
    " minimum4 state=1 previous4",
    ("C", "outgoing"): "at8 token4 decrement4 reason=1",
    ("D", "outgoing"): "at8 token4 decrement4 reason=1 prevented4 price4 liquidity=1",
    ("E", "outgoing"): "at8 token4 quantity4 price4 liquidity=1 match8",
    ("J", "outgoing"): "at8 token4 reason=1",
}
NUMBERS = {"4": UnsignedIntBE, "8": UnsignedLongBE}


class Message(ouch.Message, app_name="odx"):  # type: ignore[call-arg]
    """What every message of this protocol is."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs | {"app_name": "odx"})


def field(text: str) -> Field:
    """A field of the table: ``name=width`` is text, ``name4`` and ``name8`` are numbers."""
    name, is_text, width = text.partition("=")
    if is_text:
        return Field(name, CharAscii if width == "1" else FixedAsciiString(int(width)))
    return Field(text[:-1], NUMBERS[text[-1]])


def message_class(letter: str, direction: str, fields: str) -> Any:
    """One message's class."""
    made = [field(each) for each in fields.split()]
    body = type("BodyRecord", (Record,), {"Fields": made})
    members = {"BodyRecord": body, "__annotations__": {}, "__module__": __name__}
    return type(
        f"{direction}{letter}", (Message,), members, indicator=ord(letter), direction=direction
    )


CLASSES = {key: message_class(*key, fields) for key, fields in TABLE.items()}


class Session(ouch.ClientSession):  # type: ignore[misc]
    """Tells every message as it comes."""

    def decode(self, data: bytes) -> Any:
        """Read by the table."""
        found = Message.from_bytes(data)
        told = {"type": chr(data[0]), "raw": data.hex(), "left": len(data) - found[0]}
        print(json.dumps(told | found[1].record.values), flush=True)  # noqa: T201
        return found


async def main(port: int, username: str, sequence: int) -> None:
    """Log in, then do as told."""
    session = await ouch.connect_async(
        ("127.0.0.1", port), username, "", "", sequence,
        session_factory=Session, client_heartbeat_interval=1, server_heartbeat_interval=5,
    )  # fmt: skip
    print(json.dumps({"type": "login"}), flush=True)  # noqa: T201
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        letter, values = json.loads(line)
        message = CLASSES[letter, "incoming"]()
        for name, value in values.items():
            setattr(message, name, value)
        session.send_message(message)
    await session.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
