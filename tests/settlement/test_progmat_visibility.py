"""Who sees what on the platform (V1-V5, I14), and where personal data is (I15)."""

import msgspec
import pytest
from settlement_story import ST1, ST2, issue
from test_progmat_requests import World

from market.errors import InvariantBroken
from market.ids import InstrumentId
from market.token_acts import Station
from settlement.ledger import HoldId
from settlement.opaque import is_opaque
from settlement.progmat import rows, views
from settlement.progmat.database import Database
from settlement.progmat.parties import ADMINISTRATOR, NOTARY
from settlement.progmat.records import TransferType, input_hash
from settlement.progmat.register import ProgmatRegister
from settlement.progmat.roles import Role
from settlement.progmat.tables import LEDGER_FIELDS, TABLES, Place, personal_data
from settlement.progmat.transfer_request import Receipt
from settlement.refusals import Refusal
from settlement.transfer_control import InFlight

ASKERS = (ADMINISTRATOR, "OTHER", "CA", "CB", "FIRM", "APP", "FUND", NOTARY, "nobody")


def world() -> World:
    """Transfers inside one custodian, between two, and of an issue of another administrator."""
    made = World()
    made.platform.enroll("OTHER", Role.ADMINISTRATOR)
    third = ProgmatRegister(issue(InstrumentId("ST3")), made.platform, administrator="OTHER")
    third.post("issuer", "b1", 5)
    made.ask(made.request(taker="a2"))
    made.ask(made.request(taker="b1", quantity_units=20))
    made.one.hold(HoldId("H"), "b1", "a2", 5)
    return made


def oracle(made: World, asker: str) -> list[str] | None:
    """The role table again, slow: which transactions a party may see, or None for none at all."""
    kinds = {ADMINISTRATOR: {ST1, ST2}, "OTHER": {"ST3"}}
    clients = {"CA": {"a1", "a2"}, "CB": {"b1"}}
    seen = []
    for tx_id, one in made.platform.transactions.items():
        sides = {one.info.from_investor_id, one.info.to_investor_id}
        if one.info.instrument_id in kinds.get(asker, set()) or sides & clients.get(asker, set()):
            seen.append(tx_id)
    return seen if asker in kinds or asker in clients else None


@pytest.mark.parametrize("asker", ASKERS)
def test_each_role_sees_exactly_its_row_of_the_table(asker: str) -> None:
    """V1, V4: own issues for an asset node, own clients for a custodian, nothing for the rest."""
    made = world()
    expected = oracle(made, asker)

    told = views.transfers(made.platform, asker)

    if expected is None:
        assert told is Refusal.NOT_VISIBLE
    else:
        assert not isinstance(told, Refusal)
        assert [view.tx_id for view in told] == expected
        assert expected, "the case says something"


@pytest.mark.parametrize("asker", ASKERS)
def test_one_transaction_answers_as_the_list_does(asker: str) -> None:
    """I14: a foreign transaction and one that never was have the same answer."""
    made = world()
    mine = oracle(made, asker) or []

    for tx_id in [*made.platform.transactions, "0" * 64, ""]:
        told = views.transfer(made.platform, asker, tx_id)
        assert (told is not Refusal.NOT_VISIBLE) == (tx_id in mine)


PARTIES = {
    Role.PLATFORM_MANAGER: NOTARY,
    Role.ADMINISTRATOR: ADMINISTRATOR,
    Role.CUSTODIAN: "CA",
    Role.DIRECT_FIRM: "DIRECT",
    Role.OUTSOURCED_FIRM: "FIRM",
    Role.FUND_RAISER: "FUND",
    Role.INTERMEDIARY: "APP",
    Role.INVESTOR: "a1",
}
# One row a role, as the report has them: transactions seen (of its own issue or clients; of others'),
# hashes of consumed inputs, register of its own issue, of another, master data of its own; creates,
# signs, instructs.
CELLS = {
    Role.PLATFORM_MANAGER: "no  no  yes no  no  no  no  yes no",
    Role.ADMINISTRATOR: "yes no  no  yes no  yes yes yes no",
    Role.CUSTODIAN: "yes no  no  no  no  yes yes yes no",
    Role.DIRECT_FIRM: "yes no  no  no  no  yes yes yes no",
    Role.OUTSOURCED_FIRM: "no  no  no  no  no  yes no  no  yes",
    Role.FUND_RAISER: "no  no  no  yes no  no  no  no  no",
    Role.INTERMEDIARY: "no  no  no  no  no  yes no  no  yes",
    Role.INVESTOR: "no  no  no  no  no  no  no  yes no",
}


@pytest.mark.parametrize("role", Role)
def test_each_cell_of_the_role_table_holds(role: Role) -> None:
    """Sees, reads, keeps, creates, signs, instructs: tried out one by one, own and foreign."""
    made = world()
    platform, asker = made.platform, PARTIES[role]
    platform.enroll("DIRECT", Role.DIRECT_FIRM)
    platform.admit("d1", "DIRECT")
    made.one.post("issuer", "d1", 7)
    made.ask(made.request(creator="DIRECT", giver="d1", taker="a1", quantity_units=1))
    made.ask(made.request(creator="CB", giver="b1", taker="a2", quantity_units=1))
    if role is Role.INVESTOR:
        platform.enroll(asker, Role.INVESTOR, "CA")

    told = views.transfers(platform, asker)
    seen = set() if isinstance(told, Refusal) else {view.tx_id for view in told}
    signing = {
        key
        for one in platform.transactions.values()
        for key in (one.authority_key, one.node_key, one.notary_key)
    }
    client = {"CA": "a1", "DIRECT": "d1", ADMINISTRATOR: "issuer"}.get(asker, "a1")
    kind = TransferType.ALLOT if client == "issuer" else TransferType.FOP
    request = made.request(creator=asker, giver=client, taker="b1", transfer_type=kind,
                           quantity_units=1)  # fmt: skip
    mine = {"FIRM": ("a1", "CA"), "APP": ("b1", "CB")}.get(asker, ("a1", "CA"))
    through = made.request(giver=mine[0], creator=mine[1], taker="a2", quantity_units=1)
    facts = (
        bool(seen),
        bool(seen & set(foreign(made, asker))),
        not isinstance(views.consumed(platform, asker), Refusal),
        not isinstance(views.register_view(platform, asker, ST1), Refusal),
        not isinstance(views.register_view(platform, asker, "ST3"), Refusal),
        isinstance(platform.open_database(asker), Database),
        isinstance(made.ask(request), Receipt),
        asker in signing,
        isinstance(made.counter.instruct(asker, through), Receipt),
    )

    assert facts == tuple(word == "yes" for word in CELLS[role].split())
    platform.check_audit()


def foreign(made: World, asker: str) -> list[str]:
    """Transactions of which the asker is neither the issue's administrator nor either side's node."""
    custodians, administrators = made.platform.custodians, made.platform.administrators
    return [
        tx_id
        for tx_id, one in made.platform.transactions.items()
        if administrators[one.info.instrument_id] != asker
        and custodians[one.info.from_investor_id or "issuer"] != asker
        and custodians[one.info.to_investor_id] != asker
    ]


@pytest.mark.parametrize("role", Role)
def test_a_transaction_by_a_role_that_creates_none_leaves_no_trace(role: Role) -> None:
    """V2, V3: below the counter too, and so is one that neither giver nor administrator authorises."""
    made = world()
    platform = made.platform
    platform.enroll("ANY", role, "CA")
    (name,) = [name for name, token in made.one.unspent.items() if token.owner == "a1"]
    outputs = (made.one.unspent[name],)
    good = made.one.info("T-1", "a1", "a1", outputs[0].quantity_units, TransferType.FOP)
    creates = role in {Role.ADMINISTRATOR, Role.CUSTODIAN, Role.DIRECT_FIRM}
    before = (made.picture(), list(platform.transactions), len(platform.audit.lines))

    def accept(creator: str, key: str) -> object:
        info = msgspec.structs.replace(good, creator_id=creator)
        mandate = made.one.mandate("T-1", "a1", "a1", info.quantity_units, info.transfer_type)
        signature = platform.keys.sign(key, mandate)
        return platform.accept(
            (name,), outputs, info, mandate=mandate, authority_key=key,
            authority_signature=signature,
        )  # fmt: skip

    assert accept("CA", "ANY") is Refusal.NOT_ENTITLED
    assert accept("CA", "b1") is Refusal.NOT_ENTITLED
    assert accept("nobody", "a1") is Refusal.NOT_ENTITLED
    if not creates:
        assert accept("ANY", "a1") is Refusal.NOT_ENTITLED
    assert (made.picture(), list(platform.transactions), len(platform.audit.lines)) == before
    if creates:
        assert not isinstance(accept("ANY", "a1"), Refusal)


def test_the_notary_holds_hashes_and_nothing_else() -> None:
    """V1: every entry is 32 bytes to 32 bytes, and they are the hashes of the inputs."""
    made = world()
    inputs = [name for one in made.platform.transactions.values() for name in one.inputs]

    assert views.consumed(made.platform, NOTARY) == [input_hash(name) for name in inputs]
    for consumed, by in made.platform.notary.spent.items():
        assert (len(consumed), len(by)) == (32, 32)
    for asker in ASKERS:
        if asker != NOTARY:
            assert views.consumed(made.platform, asker) is Refusal.NOT_VISIBLE


def test_an_investor_sees_his_own_through_his_firm() -> None:
    """Own transfers by the firm that keeps the account; another firm and a stranger get nothing."""
    made = world()

    told = views.own_transfers(made.platform, "CA", "a2")

    assert not isinstance(told, Refusal)
    assert [(view.from_investor_id, view.quantity_units) for view in told] == [
        ("a1", 10),
        ("b1", 5),
    ]
    for firm, investor in (("CB", "a2"), ("CA", "b1"), ("CA", "zz"), ("zz", "zz")):
        assert views.own_transfers(made.platform, firm, investor) is Refusal.NOT_VISIBLE


def test_the_register_is_read_by_api_by_those_the_table_names() -> None:
    """Its administrator and who raises its funds; no custodian, no other administrator or raiser."""
    made = world()
    for asker in ASKERS:
        told = views.register_view(made.platform, asker, ST1)
        assert (told is not Refusal.NOT_VISIBLE) == (asker in {ADMINISTRATOR, "FUND"})
    assert views.register_view(made.platform, "FUND", ST2) is Refusal.NOT_VISIBLE, "not its issue"
    assert views.register_view(made.platform, "FUND", "none") is Refusal.NOT_VISIBLE


def test_a_view_has_the_fields_of_the_table_and_no_change() -> None:
    """No outputs: what the giver has left is not the taker's business."""
    assert views.TransferView.__struct_fields__ == (
        "tx_id", "from_investor_id", "to_investor_id", "quantity_units", "delivery_date",
    )  # fmt: skip


def test_the_backchain_leak_is_counted() -> None:
    """V5: a node that takes a token is shown the past it was no party to; worked by hand."""
    made = World()
    # b1's custodian is party to its own allotment only: that chain is the issue, then a1's
    # allotment (whose change b1's came from).
    assert views.backchain_leaks(made.platform) == {"CA": 1, "CB": 2}

    made.ask(made.request(taker="a2"))  # inside CA: its past is the two it knows of
    made.ask(made.request(creator="CA", giver="a2", taker="b1"))  # CB is shown a1 to a2 as well

    assert views.backchain_leaks(made.platform) == {"CA": 1, "CB": 3}


def test_refusals_name_no_party() -> None:
    """I14: the text of an answer is its code, the same for everyone."""
    for refusal in Refusal:
        assert refusal.value == refusal.name


def test_there_are_sixteen_tables_each_in_its_place() -> None:
    """As listed; whatever is personal is in a database."""
    assert len(TABLES) == 16
    assert [name for name, table in TABLES.items() if table.place is Place.LEDGER] == [
        "token", "transfer_info", "transfer_control", "key_info",
    ]  # fmt: skip
    for name, table in TABLES.items():
        assert len(set(table.fields)) == len(table.fields), name
        assert set(table.personal) <= set(table.fields)
        assert not table.personal or table.place is Place.DATABASE


def test_the_ledger_has_the_whitelisted_fields_only() -> None:
    """I15: a field added to a ledger record has to be named here, and thought about."""
    for record, fields in LEDGER_FIELDS.items():
        assert tuple(one.name for one in msgspec.structs.fields(record)) == fields


def test_no_text_on_the_ledger_looks_like_personal_data() -> None:
    """I15: the scan finds nothing in a day's transactions, and finds what is planted."""
    made = world()
    assert all(personal_data(one) == [] for one in made.platform.transactions.values())

    one = next(reversed(made.platform.transactions.values()))
    for planted in ("山田太郎", "taro@mail.example", "03-1234-5678", "100-0001", "Taro Yamada"):
        marked = msgspec.structs.replace(
            one, info=msgspec.structs.replace(one.info, to_investor_id=planted)
        )
        assert personal_data(marked) == [planted]
        assert not is_opaque(planted)


def test_deleting_a_person_leaves_the_chain_valid() -> None:
    """Data policy: the row goes, id and transactions stay, every signature still verifies (F23)."""
    made = World()
    base = made.platform.open_database("CA")
    assert isinstance(base, Database)
    row = {"name": "山田太郎", "registered_address": "東京都", "phone": "03-1234-5678"}
    assert base.put("CA", "investor", "a1", row) is None
    made.one.hold(HoldId("H"), "a1", "b1", 10)

    assert base.delete("CA", "investor", "a1") is None

    assert base.read("CA", "investor", "a1") is Refusal.NOT_VISIBLE
    made.one.post_hold(HoldId("H"))
    assert isinstance(made.ask(made.request()), Receipt)
    made.platform.check_audit()
    made.one.check_invariants()
    assert base.deletions == [("investor", "a1")]


def test_a_name_in_a_reason_stays_off_the_chain_and_can_be_deleted() -> None:
    """I15: free text goes to the remarks; deleting one, and only once, leaves the chain valid."""
    made = World()
    told = "山田太郎の相続 03-1234-5678"
    made.platform.freeze("a1", frozen=True, actor="ops", reason=told)
    made.one.freeze("a1", frozen=True, reason="order of the court")
    made.platform.switch_station(Station.CLOSING, actor="ops", reason="cut-off")
    audit = made.platform.audit

    assert [line.reason for line in audit.lines[-3:]] == ["remark-1", "remark-2", "cut-off"]
    assert audit.remarks == {"remark-1": told, "remark-2": "order of the court"}
    assert audit.delete_remark("remark-1") is None
    assert audit.delete_remark("remark-1") is Refusal.NOT_VISIBLE
    assert audit.delete_remark("remark-9") is Refusal.NOT_VISIBLE
    assert not any("山田" in text for line in audit.lines for text in (line.what, line.reason))
    made.platform.check_audit()
    made.platform.freeze("a1", frozen=False, actor="ops", reason="lifted again")
    assert audit.lines[-1].reason == "remark-3", "a number is used once"

    refused = made.platform.switch_station(Station.OPEN, actor="ops", reason="for Mr Yamada")
    assert refused is Refusal.WRONG_STATE
    made.platform.switch_station(Station.CLOSED, actor="ops", reason="for Mr Yamada")
    made.platform.set_control(
        "TC", executable=False, in_flight=InFlight.FREEZE, actor="ops", reason="for Mr Sato"
    )
    assert made.platform.station.history[-1][3] == "remark-4"
    assert made.platform.controls.history[-1].reason == "remark-5"
    assert [audit.remarks[f"remark-{n}"] for n in (4, 5)] == ["for Mr Yamada", "for Mr Sato"]


def test_a_changed_line_is_noticed() -> None:
    """I17: the reason of one line changed, or the last line dropped, breaks the chain."""
    made = World()
    made.platform.switch_station(Station.CLOSING, actor="ops", reason="cut-off")
    lines = made.platform.audit.lines
    last = lines.pop()
    with pytest.raises(InvariantBroken, match="I17"):
        made.platform.check_audit()
    lines.append(msgspec.structs.replace(last, reason="other"))
    with pytest.raises(InvariantBroken, match="I17"):
        made.platform.check_audit()


def test_an_account_has_an_id_and_no_name() -> None:
    """I15: a name never becomes an owner on the ledger."""
    made = World()
    for name in ("山田太郎", "Taro Yamada", "03-1234-5678", "taro@mail.example", ""):
        with pytest.raises(InvariantBroken, match="I15"):
            made.platform.admit(name, "CA")
        with pytest.raises(InvariantBroken, match="I15"):
            made.one.post("issuer", name, 1)
    assert made.one.unissued_units == 850
    made.one.check_invariants()


def test_a_database_is_its_owners() -> None:
    """Another firm reads, writes and deletes nothing; a ledger table and a wrong field are refused."""
    base = Database("CA")
    base.put("CA", "investor", "a1", {"name": "A"})
    refusals = [
        base.put("CB", "investor", "a1", {}),
        base.read("CB", "investor", "a1"),
        base.read("CA", "investor", "zz"),
        base.delete("CB", "investor", "a1"),
        base.delete("CA", "investor", "zz"),
        base.put("CA", "token", "x", {}),
        base.put("CA", "none", "x", {}),
        base.put("CA", "investor", "a2", {"password": "x"}),
    ]

    assert refusals == [
        Refusal.NOT_VISIBLE, Refusal.NOT_VISIBLE, Refusal.NOT_VISIBLE, Refusal.NOT_VISIBLE,
        Refusal.NOT_VISIBLE, Refusal.NOT_ENTITLED, Refusal.NOT_ENTITLED, Refusal.TERMS_MISMATCH,
    ]  # fmt: skip
    assert base.read("CA", "investor", "a1") == {"name": "A"}
    assert list(base.rows) == [("investor", "a1")]


ROWS = {
    "token": rows.tokens,
    "transfer_info": rows.transfer_infos,
    "transfer_control": rows.transfer_controls,
    "key_info": rows.key_infos,
}


def test_the_ledger_tables_are_read_from_the_ledger_field_by_field() -> None:
    """Each of the four has rows with just its fields, and none of the others is on the ledger."""
    made = world()
    told = {name: list(read(made.platform)) for name, read in ROWS.items()}

    assert set(told) == {name for name, one in TABLES.items() if one.place is Place.LEDGER}
    for name, read in told.items():
        assert read
        assert all(tuple(row) == TABLES[name].fields for row in read), name
        texts = [text for row in read for text in row.values() if isinstance(text, str)]
        assert all(text == "" or text.isascii() for text in texts)


def test_the_ledger_tables_say_what_the_registers_say() -> None:
    """Owners by tokens, transfers by inputs: summed by hand, they are holders and transactions."""
    made = world()
    owned: dict[object, int] = {}
    for row in rows.tokens(made.platform):
        if row["instrument_id"] == ST1 and row["owner"] != "issuer":
            owned[row["owner"]] = owned.get(row["owner"], 0) + int(row["quantity_units"])
    assert sorted(owned.items()) == made.one.holders()

    consumed = [str(row["input_tx_id"]) for row in rows.transfer_infos(made.platform)]
    assert {input_hash(name) for name in consumed if name} == set(made.platform.notary.spent)
    made.platform.keys.revoke("a1")
    keys = {str(row["investor_id"]) for row in rows.key_infos(made.platform)}
    assert "a1" not in keys
    assert {"b1", "CA", NOTARY, ADMINISTRATOR} <= keys
