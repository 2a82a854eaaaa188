"""Who may see, create and sign what: the role table, as data.

Where each column is asked: sight and register in views.py; creates in platform.py, for every
transaction, and in request_checks.py; signs by the keys platform.py takes (giver's account, creating
node, notary; the administrator for an override); master data in ``Platform.open_database``; instructs in
requests.py.

Source: the report of the Progmat working group (2021). The table says what each role sees; that a
transaction of a role that may not create is refused before anything changes is our reading (V2).
"""

from enum import StrEnum
from typing import Final, NamedTuple

from settlement.progmat.records import TransferType


class Role(StrEnum):
    """Roles of parties."""

    PLATFORM_MANAGER = "platform_manager"  # PF管理者: notary node
    ADMINISTRATOR = "administrator"  # 原簿管理者: asset node
    CUSTODIAN = "custodian"  # カストディアン: custodian node
    DIRECT_FIRM = "direct_firm"  # 金商業者(直接管理型): custodian node and database
    OUTSOURCED_FIRM = "outsourced_firm"  # 金商業者(カストディ委託型): database only
    FUND_RAISER = "fund_raiser"  # 資金調達者, 運用者: reads the register by API
    INTERMEDIARY = "intermediary"  # 仲介業者: instructs by API
    INVESTOR = "investor"  # 投資家: an account key, through its firm


class Sight(StrEnum):
    """Which transactions a role sees."""

    CONSUMED_HASHES = "consumed_hashes"
    OWN_ISSUES = "own_issues"
    OWN_CLIENTS = "own_clients"
    NOTHING = "nothing"


class Rights(NamedTuple):
    """One row of the role table.

    Attributes:
        sight: Which transactions its node is given.
        creates: Whether its node makes transactions.
        signs: Whether it has a key under transactions: its node's, or an investor's account key.
        reads_register: Whether the register of its issues is open to it by API.
        own_master_data: Whether it has a database of its own.
        instructs: Whether it asks for transfers of its clients by API, through a custodian.
    """

    sight: Sight
    creates: bool
    signs: bool
    reads_register: bool
    own_master_data: bool
    instructs: bool = False


RIGHTS: Final[dict[Role, Rights]] = {
    Role.PLATFORM_MANAGER: Rights(Sight.CONSUMED_HASHES, False, True, False, False),
    Role.ADMINISTRATOR: Rights(Sight.OWN_ISSUES, True, True, True, True),
    Role.CUSTODIAN: Rights(Sight.OWN_CLIENTS, True, True, False, True),
    Role.DIRECT_FIRM: Rights(Sight.OWN_CLIENTS, True, True, False, True),
    Role.OUTSOURCED_FIRM: Rights(Sight.NOTHING, False, False, False, True, instructs=True),
    Role.FUND_RAISER: Rights(Sight.NOTHING, False, False, True, False),
    Role.INTERMEDIARY: Rights(Sight.NOTHING, False, False, False, True, instructs=True),
    Role.INVESTOR: Rights(Sight.NOTHING, False, True, False, False),
}

ADMINISTRATIVE: Final = frozenset(
    {
        TransferType.ISSUE,
        TransferType.ALLOT,
        TransferType.SUCCESSION,
        TransferType.LEGAL_ORDER,
        TransferType.REDEEM,
    }
)
"""Transfers that only the issue's administrator creates."""
