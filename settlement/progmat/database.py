"""A firm's own database: master data that can be deleted, and nobody else's business.

One database for each firm. Rows of the tables that are kept in databases, by id; a row has exactly
its table's fields or some of them, and nothing else. The ledger refers to an investor by id and
holds no digest of his data, so deleting him leaves every transaction as it was.
"""

from collections.abc import Mapping

from settlement.progmat.tables import TABLES, Place
from settlement.refusals import Refusal


class Database:
    """Rows of one firm.

    Attributes:
        owner: The firm.
        rows: By table and id.
        deletions: Table and id of every row deleted, in order: that it was, not what it said.
    """

    __slots__ = ("deletions", "owner", "rows")

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.rows: dict[tuple[str, str], dict[str, str]] = {}
        self.deletions: list[tuple[str, str]] = []

    def put(self, asker: str, table: str, row_id: str, fields: Mapping[str, str]) -> Refusal | None:
        """Write a row."""
        if asker != self.owner:
            return Refusal.NOT_VISIBLE
        known = TABLES.get(table)
        if known is None or known.place is not Place.DATABASE or not known.fields:
            return Refusal.NOT_ENTITLED
        if any(field not in known.fields for field in fields):
            return Refusal.TERMS_MISMATCH
        self.rows[table, row_id] = dict(fields)
        return None

    def read(self, asker: str, table: str, row_id: str) -> Mapping[str, str] | Refusal:
        """Read a row; another firm's and a missing one have the same answer."""
        row = self.rows.get((table, row_id))
        if asker != self.owner or row is None:
            return Refusal.NOT_VISIBLE
        return dict(row)

    def delete(self, asker: str, table: str, row_id: str) -> Refusal | None:
        """Delete a row for good."""
        if asker != self.owner or (table, row_id) not in self.rows:
            return Refusal.NOT_VISIBLE
        del self.rows[table, row_id]
        self.deletions.append((table, row_id))
        return None
