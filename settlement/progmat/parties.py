"""Who is on the platform: parties by role, whose clients investors are, who reads, whose databases.

Names are ids, never a person's name (I15): they go onto the ledger. Cost: O(1) a verb. Errors: a party or
an account admitted twice, or where its role does not allow it, breaks a check: admitting is the
operator's, and no request does it.
"""

from typing import Final, NamedTuple

from market.errors import check
from market.token_acts import OperatingMode
from settlement.opaque import is_opaque
from settlement.progmat.database import Database
from settlement.progmat.roles import RIGHTS, Role
from settlement.refusals import Refusal
from settlement.register import ISSUER

NOTARY: Final = "notary"
ADMINISTRATOR: Final = "administrator"
OPERATOR: Final = "operator"


class Party(NamedTuple):
    """A party of the platform; ``via`` is the custodian of a firm without a node."""

    role: Role
    via: str


class Parties:
    """Parties and accounts.

    Attributes:
        mode: Whether each node has its own key, or one operator's stands for all.
        parties: Role and custodian by name.
        custodians: Custodian by investor id.
        firms: Who serves an investor and instructs for him, if not his custodian; by investor id.
        readers: Fund raisers and asset managers who read an issue's register, by issue.
        databases: Master data by its owner; no part of the ledger or its digest.
    """

    def __init__(self, mode: OperatingMode) -> None:
        self.mode = mode
        self.parties: dict[str, Party] = {}
        self.custodians: dict[str, str] = {}
        self.firms: dict[str, str] = {}
        self.readers: dict[str, set[str]] = {}
        self.databases: dict[str, Database] = {}
        self.enroll(NOTARY, Role.PLATFORM_MANAGER)
        self.enroll(ADMINISTRATOR, Role.ADMINISTRATOR)
        self.custodians[ISSUER] = ADMINISTRATOR

    def enroll(self, name: str, role: Role, via: str = "") -> None:
        """Admit a party; a firm without a node names the custodian it goes through."""
        check(name not in self.parties, "a party is enrolled once", party=name)
        check(is_opaque(name), "I15: a party has an id, not a name")
        self.parties[name] = Party(role, via)

    def admit(self, investor_id: str, custodian: str, firm: str = "") -> None:
        """Open an investor's account with a custodian; for a firm without a node, or directly."""
        check(investor_id not in self.custodians, "an account is opened once", id=investor_id)
        check(is_opaque(investor_id), "I15: an account has an id, not a name")
        check(RIGHTS[self.parties[custodian].role].creates, "an account has a node", id=custodian)
        through = firm == "" or self.parties[firm].via == custodian
        check(through, "a firm's clients are with its custodian", id=investor_id, firm=firm)
        self.custodians[investor_id] = custodian
        if firm:
            self.firms[investor_id] = firm

    def let_read(self, instrument_id: str, reader: str) -> None:
        """Open an issue's register to who raises its funds or manages its assets."""
        check(RIGHTS[self.parties[reader].role].reads_register, "a reader reads", party=reader)
        self.readers.setdefault(instrument_id, set()).add(reader)

    def custodian_of(self, investor_id: str) -> str:
        """The node that keeps an account; a firm unknown so far keeps its own."""
        custodian = self.custodians.get(investor_id)
        if custodian is None:
            if investor_id not in self.parties:
                self.enroll(investor_id, Role.DIRECT_FIRM)
            self.admit(investor_id, investor_id)
            custodian = investor_id
        return custodian

    def node_key(self, node: str) -> str:
        """Whose key a node signs with in this operating mode."""
        return OPERATOR if self.mode is OperatingMode.API_OPENING else node

    def open_database(self, owner: str) -> Database | Refusal:
        """A party's own database of master data; for who has none by his role, refused."""
        party = self.parties.get(owner)
        if party is None or not RIGHTS[party.role].own_master_data:
            return Refusal.NOT_ENTITLED
        return self.databases.setdefault(owner, Database(owner))
