"""What every request of the order-entry wire is made of: its envelope, and the shapes of names.

Purpose: the base types and scalars that participants/wire.py and the modules of its requests share.
Invariants: unknown fields are refused; optional ones are UNSET, so null is refused; every string is
made of plain letters, which is how ``wire.decode`` finds repeated keys.
"""

from typing import Annotated, Final

from msgspec import Meta, Struct

SEQ_MAX: Final = 2**53 - 1  # every JSON reader holds it exactly

Letters = Annotated[str, Meta(min_length=1, max_length=36)]
"""A name whose letters are checked with all others of its request, see ``wire._NAMES_OF``."""

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,36}\Z")]
Issue = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,12}\Z")]
OrderText = Annotated[str, Meta(pattern=r"^O-[1-9][0-9]{0,15}\Z")]
DeliveryText = Annotated[str, Meta(pattern=r"^D-[1-9][0-9]{0,15}\Z")]
Seq = Annotated[int, Meta(ge=1, le=SEQ_MAX)]


class Params(Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """Parameters of one method. Optional ones are UNSET, so null is refused."""


class Envelope(
    Struct,
    frozen=True,
    kw_only=True,
    gc=False,
    forbid_unknown_fields=True,
    tag_field="method",
):
    """What every message carries; the tag is the method."""

    req_id: Letters


class Numbered(Envelope, frozen=True, kw_only=True):
    """What every request of a live session carries."""

    seq: Seq
