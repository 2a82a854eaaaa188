"""FIX over real sockets: the same market as the other door, and nothing before the disk has it."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from house import House, order

from market.business_days import next_business_day
from market.commands import CloseDay, OpenDay, RevokeKey
from market.ids import KeyId, SessionId
from market.words import Phase
from participants.fix_codec import FixMessage
from participants.fix_house import FixSettings
from participants.fix_reports import FixReports
from venue import fix_acceptor
from venue.fix_acceptor import FixAcceptor, FixConnection, server_tls
from venue.fix_client import FixClient, FixClosed
from venue.fix_doors import hearer
from venue.fix_store import FixStore

pytestmark = pytest.mark.processes
FAST = FixSettings(rate_per_s=100_000, burst=100_000)


class FixHouse(House):
    """A house with FIX doors."""

    def __init__(self, folder: Path, *, fix: FixSettings = FAST, needs_password: bool = False,
                 passwords: dict[KeyId, str] | None = None, boot: str = "", tls: ssl.SSLContext | None = None,
                 **options: Any) -> None:  # fmt: skip
        reports = FixReports()
        super().__init__(folder, heard=(hearer(reports),), **options)
        self.tls = tls
        self.fix = FixAcceptor(
            self.sequencer, self.gateway, reports, folder,
            settings=fix, passwords=passwords or {}, needs_password=needs_password, boot=boot,
        )  # fmt: skip
        self.sequencer.listen(self.fix.publish)
        self.made: list[FixConnection] = []
        self.clients: list[FixClient] = []
        self.ports: dict[str, int] = {}

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        await super().__aenter__()
        self._doors = []
        for name in ("fix42", "fix44", "drop_copy"):
            door = await loop.create_server(
                lambda name=name: self._connection(name), "127.0.0.1", 0, ssl=self.tls
            )
            self._doors.append(door)
            self.ports[name] = door.sockets[0].getsockname()[1]
        return self

    def _connection(self, name: str) -> FixConnection:
        self.made.append(self.fix.connection(name))
        return self.made[-1]

    async def __aexit__(self, *_: object) -> None:
        self.sequencer.gate.set()
        for client in self.clients:
            await client.drop()
        for door in self._doors:
            door.close()
        self.fix.halt(None)
        await super().__aexit__()
        self.fix.close()
        for connection in self.made:
            connection.abort()
        await asyncio.sleep(0)

    def client_of(self, name: str = "A-1", door: str = "fix42", **options: Any) -> FixClient:
        """A client, not connected."""
        begin = "FIX.4.2" if door == "fix42" else "FIX.4.4"
        made = FixClient("127.0.0.1", self.ports[door], name, begin=begin, **options)
        self.clients.append(made)
        return made

    async def fix_client(self, name: str = "A-1", door: str = "fix42", *extra: tuple[int, object],
                         **options: Any) -> FixClient:  # fmt: skip
        """A client that is logged on."""
        made = self.client_of(name, door, **options)
        await made.open(*extra)
        return made


def play(folder: Path, story: Callable[[FixHouse], Awaitable[None]], **options: Any) -> None:
    """Run one story in a house of its own, with the market open."""

    async def run() -> None:
        async with asyncio.timeout(30), FixHouse(folder, **options) as house:
            if house.core.business_date is None:
                await house.open()
            await story(house)

    asyncio.run(run())


def buy(client: FixClient, name: str, **changes: object) -> None:
    """A good order for 10 ST01 at 100,000 yen."""
    fields = {11: name, 21: 1, 38: 10, 40: 2, 44: 100000, 54: 1, 55: "ST01"}
    fields |= {int(tag.removeprefix("t")): value for tag, value in changes.items()}
    client.send("D", *fields.items())


async def nth(client: FixClient, number: int, kind: str = "8") -> FixMessage:
    """The n-th message of a kind."""

    def found() -> list[FixMessage]:
        return [each for each in client.messages if each.kind == kind]

    await client.until(lambda: len(found()) >= number)
    return found()[number - 1]


def test_an_order_by_fix_is_seen_and_canceled_by_websocket(tmp_path: Path) -> None:
    """Another session of the firm lists it and cancels it; the FIX session is told."""

    async def story(house: FixHouse) -> None:
        client = await house.fix_client()
        buy(client, "n1")
        accepted = await nth(client, 1)
        wire = await house.wire("A-2")
        listed = (await wire.ask("order.list"))["result"]["orders"]
        assert [each["client_order_id"] for each in listed] == ["n1"]
        assert listed[0]["order_id"] == accepted.get(37)
        assert (await wire.ask("order.cancel", {"original_client_order_id": "n1"}))["ok"]
        told = await nth(client, 2)
        assert (told.get(150), told.get(11), told.get(37)) == ("4", "n1", accepted.get(37))
        assert told.get(41) == ""

    play(tmp_path, story)


def test_an_order_by_websocket_is_canceled_by_fix(tmp_path: Path) -> None:
    """The canceling session gets its answer, the order's session the news, in its own words."""

    async def story(house: FixHouse) -> None:
        wire = await house.wire("A-2")
        entered = await wire.ask("order.new", order())
        client = await house.fix_client()
        client.send("F", (11, "c1"), (38, 10), (41, "n1"), (54, 1), (55, "ST01"))
        told = await nth(client, 1)
        assert (told.get(150), told.get(11), told.get(41)) == ("4", "c1", "n1")
        assert told.get(37) == entered["result"]["order_id"]
        news = await wire.receive()
        assert (news["type"], news["data"]["client_order_id"]) == ("canceled", "n1")

    play(tmp_path, story)


def test_a_trade_between_the_doors_agrees(tmp_path: Path) -> None:
    """One trade id, one price, one quantity, whoever is told by which door."""

    async def story(house: FixHouse) -> None:
        wire = await house.wire("B-1")
        await wire.ask("order.new", order("s1", side="sell"))
        client = await house.fix_client("A-1", "fix44")
        client.send("D", (11, "n1"), (38, 4), (40, 2), (44, 100000), (54, 1), (55, "ST01"))
        fill = await nth(client, 2)
        told = (await wire.receive())["data"]
        assert fill.get(880) == told["trade_id"]
        assert (fill.get(32), fill.get(31)) == (str(told["quantity_units"]), told["price"])
        assert fill.get(64) == told["settlement_date"].replace("-", "")
        assert (fill.get(381), fill.get(5004)) == (str(told["amount_yen"]), told["delivery_id"])

    play(tmp_path, story)


def test_nothing_is_acknowledged_before_its_sync(tmp_path: Path) -> None:
    """While the sequencer holds the turn no execution comes; once synced it does."""

    async def story(house: FixHouse) -> None:
        client = await house.fix_client()
        synced: list[int] = []
        write = house.journal.write
        seen: list[int] = []

        def watched(rows: Any) -> None:
            seen.append(sum(each.kind == "8" for each in client.messages))
            write(rows)
            synced.append(rows[-1][0])

        house.journal.write = watched  # type: ignore[method-assign]
        await house.hold()
        buy(client, "n1")
        await house.quiet(lambda: len(house.sequencer._inbox) > 0)
        client.send("H", (11, "probe"))
        assert (await nth(client, 1, "j")).get(380) == "3"  # the session answers, the market not
        assert [each for each in client.messages if each.kind == "8"] == []
        house.sequencer.gate.set()
        assert (await nth(client, 1)).get(150) == "0"
        assert seen[-1] == 0
        assert synced

    play(tmp_path, story)


def test_a_failed_sync_is_never_acknowledged(tmp_path: Path) -> None:
    """The disk refuses: the client hears STORAGE_FAILED in a Logout and no execution."""

    async def run() -> None:
        async with asyncio.timeout(30):
            house = FixHouse(tmp_path)
            await house.__aenter__()
            await house.open()
            client = await house.fix_client()

            def refuse(rows: Any) -> None:
                raise OSError("the disk is gone")

            write = house.journal.write
            house.journal.write = refuse  # type: ignore[method-assign]
            buy(client, "n1")
            await asyncio.wait([house._writer])
            house.fix.halt(house.sequencer.refusal)
            with pytest.raises(FixClosed, match="STORAGE_FAILED"):
                await client.until(lambda: any(each.kind == "8" for each in client.messages))
            house.journal.write = write  # type: ignore[method-assign]
            with pytest.raises(OSError, match="the disk is gone"):
                await house.__aexit__()

    asyncio.run(run())


def test_a_session_is_live_at_one_door(tmp_path: Path) -> None:
    """By FIX it is refused while a websocket has it; a takeover by websocket ends it at FIX."""

    async def story(house: FixHouse) -> None:
        wire = await house.wire("A-1")
        with pytest.raises(FixClosed, match="without a word"):
            await house.fix_client("A-1")
        await wire.socket.close()
        await house.quiet(lambda: not house.session("A-1").live)
        client = await house.fix_client("A-1", "fix42", (141, "Y"))
        second = await house.wire()
        assert not (await second.logon("A-1"))["ok"]
        third = await house.wire()
        assert (await third.logon("A-1", takeover=True))["ok"]
        with pytest.raises(FixClosed, match="SESSION_TAKEN_OVER"):
            await client.until(lambda: False)

    play(tmp_path, story)


def test_a_revoked_key_ends_its_session(tmp_path: Path) -> None:
    """With the reason, and its orders go as if the connection were lost."""

    async def story(house: FixHouse) -> None:
        client = await house.fix_client()
        buy(client, "n1")
        await nth(client, 1)
        await house.do(RevokeKey(key_id=KeyId("key-A-1")))
        with pytest.raises(FixClosed, match="AUTH_FAILED"):
            await client.until(lambda: False)
        with pytest.raises(FixClosed):
            await house.fix_client()

    play(tmp_path, story)


def test_a_lost_connection_cancels_and_tells_at_the_next_logon(tmp_path: Path) -> None:
    """As configured; the same client goes on by its numbers."""

    async def story(house: FixHouse) -> None:
        client = await house.fix_client("A-1", "fix44", (5001, "Y"))
        client.send("D", (11, "n1"), (38, 4), (40, 2), (44, 99000), (54, 1), (55, "ST01"))
        await nth(client, 1)
        await client.drop()
        await house.quiet(lambda: not house.session("A-1").live)
        assert house.open_orders() == []
        await client.open()
        told = await nth(client, 2)
        assert (told.get(150), told.get(58)) == ("4", "disconnect")

    play(tmp_path, story)


def test_numbers_and_executions_survive_a_restart(tmp_path: Path) -> None:
    """A client that lost messages asks for them from another life of the venue: the same bytes."""
    first: list[FixMessage] = []

    async def one(house: FixHouse) -> None:
        client = await house.fix_client("A-1", "fix44", (5001, "N"))
        for number in range(3):
            client.send(
                "D", (11, f"n{number}"), (38, 1), (40, 2), (44, 99000), (54, 1), (55, "ST01")
            )
        client.send("AE", (571, "x"))
        await nth(client, 1, "j")
        await nth(client, 3)
        first.extend(client.messages)

    async def two(house: FixHouse) -> None:
        client = house.client_of("A-1", "fix44")
        client.next_out = 6
        await client.open((5001, "N"))
        await client.until(lambda: len(client.messages) >= len(first))
        told = {"34", "35", "11", "17", "37", "150", "380"}
        for before, after in zip(first, client.messages, strict=False):
            kept = [{k: v for k, v in each.fields.items() if k in told} for each in (before, after)]
            assert kept[0] == kept[1]
            assert after.get(43) == "Y"
        client.send("D", (11, "n9"), (38, 1), (40, 2), (44, 99000), (54, 1), (55, "ST01"))
        assert (await nth(client, 4)).get(11) == "n9"

    play(tmp_path, one)
    play(tmp_path, two)


def test_as_a_later_day_opens_everyone_begins_at_one(tmp_path: Path) -> None:
    """What came before is told first; then a Logout, and old numbers mean nothing."""

    def notes() -> list[str]:
        return [path.name for path in tmp_path.glob("fix-*")]

    async def story(house: FixHouse) -> None:
        client = await house.fix_client()
        buy(client, "n1")
        await nth(client, 1)
        await house.phase(Phase.CLOSED)
        await house.do(CloseDay())
        await house.do(OpenDay(business_date=next_business_day(house.date)))
        with pytest.raises(FixClosed, match="business day is over"):
            await client.until(lambda: False)
        assert [each.get(150) for each in client.messages if each.kind == "8"] == ["0", "C"]
        await house.quiet(lambda: not house.session("A-1").live)
        client.next_in = client.next_out = 1
        await client.open()
        assert client.next_in >= 2
        assert notes() == ["fix-2.notes"]

    play(tmp_path, story)


def test_the_markets_state_is_told(tmp_path: Path) -> None:
    """At the logon, and when every book has changed."""

    async def story(house: FixHouse) -> None:
        client = await house.fix_client()
        assert (await nth(client, 1, "h")).get(340) == "2"
        await house.phase(Phase.BREAK)
        assert (await nth(client, 2, "h")).get(340) == "1"

    play(tmp_path, story)


def test_a_half_open_connection_is_tested_then_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody answers the test: the session ends and its orders go; others live on."""

    async def story(house: FixHouse) -> None:
        silent = await house.fix_client("A-1", "fix44", (5001, "Y"), heartbeat_s=10)
        silent.send("D", (11, "n1"), (38, 4), (40, 2), (44, 99000), (54, 1), (55, "ST01"))
        await nth(silent, 1)
        lively = await house.fix_client("B-1", "fix42", heartbeat_s=300)
        asked: list[str] = []
        silent._received = lambda message: asked.append(message.kind)  # type: ignore[method-assign]
        now = fix_acceptor.real_ns()
        monkeypatch.setattr(fix_acceptor, "real_ns", lambda: now + 13 * 10**9)
        house.fix.tick()
        await silent.until(lambda: "1" in asked)
        monkeypatch.setattr(fix_acceptor, "real_ns", lambda: now + 25 * 10**9)
        house.fix.tick()
        await house.quiet(lambda: not house.session("A-1").live)
        assert house.open_orders() == []
        buy(lively, "b1")
        assert (await nth(lively, 1)).get(150) == "0"

    play(tmp_path, story)


ATTACKS: dict[str, bytes] = {
    "no FIX at all": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "an endless message": b"8=FIX.4.2\x019=999999\x01" + b"x" * 9000,
    "a length that is none": b"8=FIX.4.2\x019=-5\x0135=A\x0110=000\x01" * 200,
    "zeros": b"\0" * 20_000,
    "starts without an end": b"8=FIX" * 4000,
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_costs_its_own_connection_only(name: str, tmp_path: Path) -> None:
    """Before and after the logon; the venue serves on and others notice nothing."""

    async def story(house: FixHouse) -> None:
        other = await house.fix_client("B-1")
        reader, writer = await asyncio.open_connection("127.0.0.1", house.ports["fix42"])
        writer.write(ATTACKS[name])
        assert await reader.read(4096) == b""
        writer.close()
        client = await house.fix_client("A-1")
        assert client._writer is not None
        client._writer.write(ATTACKS[name])
        buy(client, "n1")
        buy(other, "b1")
        assert (await nth(other, 1)).get(150) == "0"

    play(tmp_path, story)


def test_a_flood_is_throttled_then_cut_and_others_are_served(tmp_path: Path) -> None:
    """Above the rate 35=j, far above it the end."""

    async def story(house: FixHouse) -> None:
        other = await house.fix_client("B-1")
        client = await house.fix_client("A-1")
        for number in range(200):
            buy(client, f"n{number}")
        with pytest.raises(FixClosed, match="THROTTLED"):
            await client.until(lambda: False)
        assert any(each.kind == "j" and "THROTTLED" in each.get(58) for each in client.messages)
        buy(other, "b1")
        assert (await nth(other, 1)).get(150) == "0"

    play(tmp_path, story, fix=FixSettings(rate_per_s=20, burst=20, flood_factor=3))


def test_a_reader_too_slow_is_closed_and_comes_back_by_its_sequence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gets every execution once, in order, over both connections."""

    async def story(house: FixHouse) -> None:
        client = await house.fix_client("A-1", "fix44", (5001, "N"))
        monkeypatch.setattr(fix_acceptor, "UNSENT_BYTES_MAX", -1)
        for number in range(5):
            client.send(
                "D", (11, f"n{number}"), (38, 1), (40, 2), (44, 99000), (54, 1), (55, "ST01")
            )
        with pytest.raises(FixClosed, match="SLOW_CONSUMER"):
            await client.until(lambda: False)
        monkeypatch.undo()
        await house.quiet(lambda: not house.session("A-1").live)
        await client.open((5001, "N"))
        await nth(client, len(house.open_orders()))
        names = [each.get(11) for each in client.messages if each.kind == "8"]
        assert names == [f"n{number}" for number in range(len(names))]

    play(tmp_path, story)


def test_connections_before_logon_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest gives way, and one who logs on is let in."""
    monkeypatch.setattr(fix_acceptor, "CONNECTIONS_MAX", 2)

    async def story(house: FixHouse) -> None:
        first = await asyncio.open_connection("127.0.0.1", house.ports["fix42"])
        others = [
            await asyncio.open_connection("127.0.0.1", house.ports["fix42"]) for _ in range(2)
        ]
        assert await first[0].read(10) == b""
        client = await house.fix_client()
        assert client.is_live
        for _, writer in (first, *others):
            writer.close()

    play(tmp_path, story)


def test_without_a_password_no_key_logs_on_from_elsewhere(tmp_path: Path) -> None:
    """Off the loopback a comp id alone proves nothing."""
    secret = {KeyId("key-B-1"): "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"}

    async def story(house: FixHouse) -> None:
        with pytest.raises(FixClosed):
            await house.fix_client("A-1")
        with pytest.raises(FixClosed):
            await house.fix_client("B-1", "fix42", (95, 5), (96, "guess"))
        client = await house.fix_client("B-1", "fix42", (95, 6), (96, "secret"))
        assert client.is_live

    play(tmp_path, story, needs_password=True, passwords=secret)


def certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed one for the loopback."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


def test_tls_when_a_certificate_is_given(tmp_path: Path) -> None:
    """The client verifies the venue; a client without TLS gets nowhere."""
    cert, key = certificate(tmp_path)
    run = tmp_path / "run"

    async def story(house: FixHouse) -> None:
        client = await house.fix_client(tls=ssl.create_default_context(cafile=cert))
        buy(client, "n1")
        assert (await nth(client, 1)).get(150) == "0"

    assert server_tls(None, None) is None
    play(run, story, tls=server_tls(cert, key))


def test_a_torn_last_note_is_dropped(tmp_path: Path) -> None:
    """A write cut short leaves the numbers before it."""
    with FixStore(tmp_path, 1) as store:
        numbers = store.numbers(SessionId("A-1"))
        numbers.use()
        numbers.use_for_records(2, "20261126-00:00:00.000")
        numbers.use_for_message("j", b"372=V\x01", "20261126-00:00:00.000")
        numbers.next_in = 7
        store.keep([numbers])
    path = tmp_path / "fix-1.notes"
    path.write_bytes(path.read_bytes() + b"A-1 O 9")

    with FixStore(tmp_path, 1) as store:
        again = store.numbers(SessionId("A-1"))
        again.check_invariants()
        assert (again.next_in, again.next_out, again.told) == (7, 5, 2)
        sent = [again.sent(number) for number in (1, 2, 3, 4)]
        assert [None if each is None else each.place for each in sent] == [None, 0, 1, -1]
    with FixStore(tmp_path, 2) as store:
        assert store.numbers(SessionId("A-1")).next_out == 1
    assert not path.exists()


def test_after_a_power_cut_numbers_go_on_and_what_may_be_known_says_so(tmp_path: Path) -> None:
    """No number is used twice, nothing is lost, and what comes again has PossResend and its id."""
    client_next: list[int] = []
    first: list[str] = []

    async def one(house: FixHouse) -> None:
        client = await house.fix_client("A-1", "fix44", (5001, "N"))
        for number in range(3):
            client.send(
                "D", (11, f"n{number}"), (38, 1), (40, 2), (44, 99000), (54, 1), (55, "ST01")
            )
        await nth(client, 3)
        first.extend(each.get(17) for each in client.messages if each.kind == "8")
        client_next.extend((client.next_in, client.next_out))

    async def two(house: FixHouse) -> None:
        client = house.client_of("A-1", "fix44")
        client.next_in, client.next_out = client_next
        await client.open((5001, "N"))
        await nth(client, 3)
        again = [each for each in client.messages if each.kind == "8"]
        assert [each.get(17) for each in again] == first
        assert {each.get(97) for each in again} == {"Y"}
        assert all(int(each.get(34)) > client_next[0] for each in again)
        client.send("D", (11, "n9"), (38, 1), (40, 2), (44, 99000), (54, 1), (55, "ST01"))
        fresh = await nth(client, 4)
        assert (fresh.get(11), fresh.get(97)) == ("n9", "")

    play(tmp_path, one, boot="monday")
    path = tmp_path / "fix-1.notes"
    lines = path.read_text().splitlines(keepends=True)
    last_sync = max(place for place, line in enumerate(lines) if " H " in line or "boot" in line)
    path.write_text("".join(lines[: last_sync + 1]))
    play(tmp_path, two, boot="tuesday")


def test_a_killed_process_on_the_same_machine_is_no_power_cut(tmp_path: Path) -> None:
    """Its notes are whole, so numbers go on without a gap."""
    with FixStore(tmp_path, 1, "monday") as store:
        numbers = store.numbers(SessionId("A-1"))
        numbers.use()
        store.keep([numbers])

    with FixStore(tmp_path, 1, "monday") as store:
        store.doubt(lambda _: 5)
        again = store.numbers(SessionId("A-1"))
        assert (again.next_out, list(again.doubtful)) == (2, [])
    with FixStore(tmp_path, 1, "tuesday") as store:
        store.doubt(lambda _: 5)
        again = store.numbers(SessionId("A-1"))
        assert (again.next_out, list(again.doubtful)) == (1_002, [0, 1, 2, 3, 4])


def test_a_firm_has_so_many_drop_copies_at_once(tmp_path: Path) -> None:
    """One more is refused with a reason; another firm, and a place that is free again, are not."""
    copy = ((141, "Y"), (9406, "Y"))

    async def story(house: FixHouse) -> None:
        first = await house.fix_client("A-1", "drop_copy", *copy)
        await house.fix_client("A-2", "drop_copy", *copy)
        with pytest.raises(FixClosed, match="BUSY"):
            await house.fix_client("A-1", "drop_copy", *copy)
        await house.fix_client("B-1", "drop_copy", *copy)
        await first.close()
        await house.quiet(lambda: len(house.fix._connections) == 2)
        await house.fix_client("A-1", "drop_copy", *copy)

    play(tmp_path, story, fix=replace(FAST, drop_copies_max=2))
