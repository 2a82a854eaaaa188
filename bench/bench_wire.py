"""What the door costs: reading an order, writing an answer, and the whole session per message.

Workload: 10,000 new orders, each a different text (numbers, prices and quantities change), compact
JSON of about 200 bytes; answers are the acceptance of an order. No randomness. One process, no
socket, no journal.

Four ways to read, which do not do equally much, so the table says what each leaves out:

- ``door``: what the venue runs: shape, bounds, unknown fields, repeated keys, one refusal.
- ``msgspec_only``: the same schema; odd letters in names and repeated keys pass.
- ``pydantic``: the same bounds as a discriminated union of strict models; a repeated key passes.
- ``stdlib``: ``json.loads`` with a look at every pair; checks repeated keys and nothing else.

Change the workload only together with the numbers in bench/README.md.
"""

import json
from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pytest_benchmark.fixture import BenchmarkFixture

from market.commands import DisconnectMode
from market.events import SessionOpened
from market.ids import KeyId, ParticipantId, SessionId
from market.words import OrderKind, Side, Validity
from participants.actions import Submit
from participants.diagnosis import Refusal
from participants.keys import KeyInfo, public_key_hex, sign
from participants.logon import Greeting, transcript_of
from participants.session import Session, SessionSettings
from participants.throttle import TakeoverGuard
from participants.wire import Identity, Inbound, Logon, OrderNew, decode, to_command

ROUNDS = 5
FIRST_PRICE_YEN = 100_000
SEED = b"\1" * 32
ME = Identity(
    participant_id=ParticipantId("FIRM-A"), session_id=SessionId("FIRM-A-1"), generation=1
)


def messages(benchmark: BenchmarkFixture) -> int:
    """Ten thousand to measure; a few to see that it still works."""
    return 10_000 if benchmark.enabled else 100


def order_text(number: int) -> str:
    """The order of that number."""
    params = {
        "client_order_id": f"A-{number}",
        "instrument_id": "ST0001",
        "side": "sell" if number % 2 else "buy",
        "kind": "limit",
        "price": f"{FIRST_PRICE_YEN + number % 100 * 10}",
        "quantity_units": 1 + number % 20,
        "validity": "day",
        "account": "H-1",
    }
    whole = {"method": "order.new", "req_id": str(number), "seq": number, "params": params}
    return json.dumps(whole, separators=(",", ":"))


def expected_units(count: int) -> int:
    """The sum of all quantities, told without reading a message."""
    return sum(1 + number % 20 for number in range(1, count + 1))


# --- reading


class PydanticParams(BaseModel):
    """The order's parameters with the door's bounds."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    client_order_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,36}$")]
    instrument_id: Annotated[str, Field(pattern=r"^[A-Z0-9]{1,12}$")]
    side: Side
    kind: OrderKind
    quantity_units: Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
    price: Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,15})(\.[0-9]{1,2})?$")] | None = None
    validity: Validity | None = None
    account: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{0,16}$")] | None = None
    stp: str | None = None


class PydanticOrder(BaseModel):
    """The envelope of a new order."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    method: Literal["order.new"]
    req_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,36}$")]
    seq: Annotated[int, Field(ge=1, le=2**53 - 1)]
    params: PydanticParams


class PydanticQuery(BaseModel):
    """A second kind of message, so that the union has something to choose."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    method: Literal["whoami"]
    req_id: str
    seq: int


PYDANTIC: TypeAdapter[PydanticOrder | PydanticQuery] = TypeAdapter(
    Annotated[PydanticOrder | PydanticQuery, Field(discriminator="method")]
)
MSGSPEC: msgspec.json.Decoder[Inbound] = msgspec.json.Decoder(Inbound)


def unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A dict of the pairs; a repeated key is an error."""
    whole = dict(pairs)
    if len(whole) != len(pairs):
        raise ValueError(pairs)
    return whole


def read_door(text: str) -> int:
    """As the venue does."""
    request = decode(text)
    return request.params.quantity_units if isinstance(request, OrderNew) else 0


def read_msgspec_only(text: str) -> int:
    """The typed decoder alone."""
    request = MSGSPEC.decode(text)
    return request.params.quantity_units if isinstance(request, OrderNew) else 0


def read_pydantic(text: str) -> int:
    """Strict models."""
    request = PYDANTIC.validate_json(text)
    return request.params.quantity_units if isinstance(request, PydanticOrder) else 0


def read_stdlib(text: str) -> int:
    """Plain dicts."""
    units: int = json.loads(text, object_pairs_hook=unique_pairs)["params"]["quantity_units"]
    return units


@pytest.mark.parametrize("read", [read_door, read_msgspec_only, read_pydantic, read_stdlib])
def bench_reading_an_order(benchmark: BenchmarkFixture, read: Callable[[str], int]) -> None:
    """Text to a checked request; read it as time for each message."""
    count = messages(benchmark)
    texts = [order_text(number) for number in range(1, count + 1)]

    units = benchmark.pedantic(
        lambda: sum(map(read, texts)), rounds=ROUNDS, warmup_rounds=1, iterations=1
    )

    assert units == expected_units(count)
    benchmark.extra_info["messages"] = count


def bench_order_to_command(benchmark: BenchmarkFixture) -> None:
    """A checked request to a command, price text to sen included."""
    count = messages(benchmark)
    read = [decode(order_text(number)) for number in range(1, count + 1)]
    requests = [request for request in read if isinstance(request, OrderNew)]

    commands = benchmark.pedantic(
        lambda: [to_command(request, ME) for request in requests],
        rounds=ROUNDS,
        warmup_rounds=1,
    )

    assert len(commands) == count
    assert not any(isinstance(command, Refusal) for command in commands)
    benchmark.extra_info["messages"] = count


# --- writing


class MsgspecAccepted(msgspec.Struct, frozen=True, gc=False):
    """The acceptance of an order."""

    channel: str
    type: str
    seq: int
    prev_seq: int
    order_id: str
    client_order_id: str
    instrument_id: str
    price: str
    leaves_units: int


class PydanticAccepted(BaseModel):
    """The same."""

    model_config = ConfigDict(strict=True, frozen=True)

    channel: str
    type: str
    seq: int
    prev_seq: int
    order_id: str
    client_order_id: str
    instrument_id: str
    price: str
    leaves_units: int


def facts_of(number: int) -> dict[str, Any]:
    """What the answer of that number says."""
    return {
        "channel": "reports",
        "type": "accepted",
        "seq": number,
        "prev_seq": number - 1,
        "order_id": f"O-{number}",
        "client_order_id": f"A-{number}",
        "instrument_id": "ST0001",
        "price": "101250",
        "leaves_units": 1 + number % 20,
    }


def write_msgspec(facts: dict[str, Any]) -> bytes:
    """As the venue does."""
    return msgspec.json.encode(MsgspecAccepted(**facts))


def write_pydantic(facts: dict[str, Any]) -> bytes:
    """A checked model."""
    return PydanticAccepted(**facts).model_dump_json().encode()


def write_stdlib(facts: dict[str, Any]) -> bytes:
    """A plain dict."""
    return json.dumps(facts, separators=(",", ":")).encode()


@pytest.mark.parametrize("write", [write_msgspec, write_pydantic, write_stdlib])
def bench_writing_an_answer(
    benchmark: BenchmarkFixture, write: Callable[[dict[str, Any]], bytes]
) -> None:
    """Make one message and write it; all three write the same bytes."""
    count = messages(benchmark)
    facts = [facts_of(number) for number in range(1, count + 1)]

    frames = benchmark.pedantic(
        lambda: [write(each) for each in facts], rounds=ROUNDS, warmup_rounds=1
    )

    assert frames == [write_stdlib(each) for each in facts]
    benchmark.extra_info["messages"] = count


# --- the whole session


class OneKey:
    """A directory with one key, which is also its only entry."""

    participant_id = ParticipantId("FIRM-A")
    session_id = SessionId("FIRM-A-1")
    public_key_hex = public_key_hex(SEED)
    revoked = False

    def key(self, key_id: KeyId) -> KeyInfo | None:
        """The one key."""
        return self if key_id == "K1" else None


def live_session(count: int) -> Session:
    """A session that has logged on and may send ``count`` messages at once."""
    greeting = Greeting(environment="bench", run_id="bench", nonce_hex="02" * 32)
    session = Session(
        OneKey(),
        environment=greeting.environment,
        run_id=greeting.run_id,
        nonce=bytes.fromhex(greeting.nonce_hex),
        opened_at_ns=0,
        settings=SessionSettings(rate_per_s=1, burst=count),
        takeovers=TakeoverGuard(),
    )
    params: dict[str, Any] = {
        "version": 1,
        "key_id": "K1",
        "session_id": "FIRM-A-1",
        "client_nonce": "ab" * 32,
        "at_ns": 0,
        "last_seen_report_seq": 0,
        "next_seq": 1,
        "signature": "0" * 128,
    }
    whole = {"method": "logon", "req_id": "1", "params": params}
    unsigned = decode(json.dumps(whole))
    assert isinstance(unsigned, Logon)
    transcript = transcript_of(unsigned.params, greeting, "FIRM-A")
    params["signature"] = sign(SEED, transcript.to_bytes())
    session.receive(json.dumps(whole), now_ns=0, wall_ns=0)
    session.opened(
        SessionOpened(
            session_id=SessionId("FIRM-A-1"),
            participant_id=ParticipantId("FIRM-A"),
            key_id=KeyId("K1"),
            generation=1,
            next_report_seq=1,
            disconnect_mode=DisconnectMode.OFF,
            grace_ms=0,
            took_over=False,
        )
    )
    return session


def bench_session_receives_orders(benchmark: BenchmarkFixture) -> None:
    """Throttle, read, number, command, action: all that happens before the sequencer."""
    count = messages(benchmark)
    texts = [order_text(number) for number in range(1, count + 1)]

    def receive_all(session: Session) -> int:
        submitted = 0
        for text in texts:
            (action,) = session.receive(text, now_ns=0, wall_ns=0)
            submitted += isinstance(action, Submit)
        return submitted

    submitted = benchmark.pedantic(
        receive_all, setup=lambda: ((live_session(count),), {}), rounds=ROUNDS, warmup_rounds=1
    )

    assert submitted == count
    benchmark.extra_info["messages"] = count


def bench_refusing_a_bad_order(benchmark: BenchmarkFixture) -> None:
    """The slow second look: an unknown field, named in the refusal."""
    count = messages(benchmark)
    texts = [order_text(n).replace('"account"', '"acount"') for n in range(1, count + 1)]

    found = benchmark.pedantic(
        lambda: [decode(text) for text in texts], rounds=ROUNDS, warmup_rounds=1
    )

    assert {each.field for each in found if isinstance(each, Refusal)} == {"params.acount"}
    benchmark.extra_info["messages"] = count
