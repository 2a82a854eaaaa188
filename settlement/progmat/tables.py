"""The sixteen tables of the platform: which fields, and whether ledger or database.

Data policy: on the ledger is what participants share with its history or what a contract needs;
what is confidential, personal data above all, is in a database from which it can be deleted; where
both apply, the database wins. The printed table marks ledger fields, but the marks did not survive
in the text we have. Where it leaves the place open we choose: the issue's record (3) is shared
reference data in the administrator's database; key information (6) is on the ledger, because every
node verifies with it, and an id and a public key name nobody.

Three previous passwords are in the report's user table; here they are salted hashes only.

Source: the report of the Progmat working group (2021), for tables and fields; types are ours.
"""

from enum import StrEnum
from typing import Final, NamedTuple

from settlement.opaque import looks_personal
from settlement.progmat.records import Token, Transaction, TransferInfo


class Place(StrEnum):
    """Where a table is kept."""

    LEDGER = "ledger"
    DATABASE = "database"


class Table(NamedTuple):
    """One table.

    Attributes:
        personal: Fields that say who somebody is.
    """

    place: Place
    fields: tuple[str, ...]
    personal: tuple[str, ...] = ()


_AUDIT: Final = ("created_at", "created_by", "updated_at", "updated_by")
_CONTACT: Final = ("addressee", "postcode", "contact_address", "phone", "mail")
_ACCOUNT: Final = (
    "bank_name_kana", "bank_code", "branch_code", "branch_kana", "deposit_type", "account_number",
    "holder_kana",
)  # fmt: skip
_FIRM: Final = ("id", "name", "address", *_CONTACT, *_ACCOUNT, *_AUDIT)
_FIRM_PERSONAL: Final = ("name", "address", *_CONTACT, *_ACCOUNT)
_L, _D = Place.LEDGER, Place.DATABASE

TABLES: Final[dict[str, Table]] = {
    "token": Table(_L, ("tx_id", "quantity_units", "owner", "issuer", "instrument_id")),
    "transfer_info": Table(
        _L,
        (
            "tx_id", "trade_id", "input_tx_id", "creator_id", "instrument_id", "from_investor_id",
            "to_investor_id", "quantity_units", "delivery_date", "transfer_type",
            "cancel_target_trade_id", "registered_at", "registered_by",
        ),
    ),
    "beneficial_interest": Table(
        _D,
        (
            "id", "name", "transfer_control_id", "type", "isin", "trust_contract_id",
            "initial_beneficiary_id", "beneficiary_agent_id", "set_quantity_units", "set_date",
            "status", "redemption_date", "record_date_1", "record_date_2",
            "holiday_adjustment_type", "register_note", "free_comment_1", "free_comment_2", *_AUDIT,
        ),
    ),
    "transfer_control": Table(_L, ("control_id", "executable")),
    "trust_contract": Table(
        _D,
        (
            "id", "number", "name", "fund_number", "settlor_id", "trustee_id", "asset_manager_id",
            *_AUDIT,
        ),
    ),
    "key_info": Table(_L, ("investor_id", "public_key")),
    "investor": Table(
        _D,
        (
            "id", "corporate_number", "name", "registered_address", "custody_class",
            "custody_place_id", "sub_account_id", "custodian_id", *_CONTACT, *_ACCOUNT, "status",
            "aml_class", *_AUDIT,
        ),
        ("corporate_number", "name", "registered_address", *_CONTACT, *_ACCOUNT),
    ),
    "custody_place": Table(
        _D,
        (
            "id", "name", "address", "proprietary_account_id", "custodian_id", *_CONTACT,
            *_ACCOUNT, *_AUDIT,
        ),
        _FIRM_PERSONAL,
    ),
    "custodian": Table(_D, _FIRM, _FIRM_PERSONAL),
    "beneficiary_agent": Table(_D, _FIRM, _FIRM_PERSONAL),
    "settlor": Table(_D, _FIRM, _FIRM_PERSONAL),
    "trustee": Table(
        _D, ("id", "name", "address", *_ACCOUNT, *_AUDIT), ("name", "address", *_ACCOUNT)
    ),
    "asset_manager": Table(_D, _FIRM, _FIRM_PERSONAL),
    "user": Table(
        _D,
        (
            "id", "department_code", "department_name", "account_class", "section", "name",
            "employee_number", "password_hash", "previous_password_hash",
            "password_hash_before_that", "failure_count", "last_logon", "status",
            "last_password_change", *_AUDIT,
        ),
        ("name", "employee_number"),
    ),
    "import_file_control": Table(
        _D,
        (
            "target", "size_bytes", "timestamp", "process_class", "process_status", "result",
            "registered_at", "registered_by",
        ),
    ),
    "station_control": Table(_D, ("station_status",)),
}  # fmt: skip
"""All sixteen, in the report's order."""

LEDGER_FIELDS: Final = {
    Token: ("owner", "quantity_units", "hold_id"),
    TransferInfo: (
        "trade_id", "instrument_id", "creator_id", "from_investor_id", "to_investor_id",
        "quantity_units", "delivery_date", "transfer_type", "cancel_target_trade_id",
        "registered_at", "registered_by", "authority",
    ),
    Transaction: (
        "tx_id", "inputs", "outputs", "info", "mandate", "authority_key", "authority_signature",
        "node_key", "node_signature", "notary_key", "notary_signature",
    ),
}  # fmt: skip
"""Whitelist: every field that a record on the ledger has. ``hold_id`` and ``authority`` are ours;
mandate, keys and signatures are what makes a transaction one."""


def personal_data(transaction: Transaction) -> list[str]:
    """Texts of a transaction that look like personal data (I15). O(fields)."""
    info = transaction.info
    texts = [
        info.trade_id, info.instrument_id, info.creator_id, info.from_investor_id,
        info.to_investor_id, info.delivery_date, info.cancel_target_trade_id, info.registered_by,
        info.authority, transaction.authority_key, transaction.node_key, transaction.notary_key,
    ]  # fmt: skip
    for token in transaction.outputs:
        texts += [token.owner, token.hold_id]
    return [text for text in texts if looks_personal(text)]
