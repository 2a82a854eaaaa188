"""Opaque ids: what may stand on a ledger, in evidence or in a file where nothing can be deleted (I15).

Source: personal data only in databases that can delete; the patterns are ours.
"""

import re
from functools import lru_cache
from typing import Final

_OPAQUE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
_NUMBERS: Final = re.compile(
    r"(?<![0-9A-Za-z-])0\d{1,4}-\d{1,4}-\d{3,4}(?![0-9-])"  # phone
    r"|(?<![0-9A-Za-z-])\d{3}-\d{4}(?![0-9-])"  # postcode
)
_TEXT: Final = re.compile(
    r"[^\x00-\x7f]"  # a name or address in Japanese
    r"|[^@\s]+@[^@\s]+\.[^@\s]+"  # mail
    r"|\s"  # free text
)


@lru_cache(maxsize=4_096)
def is_opaque(name: str) -> bool:
    """Whether a name may stand on a ledger: an id, not free text, mail, phone or postcode."""
    return _OPAQUE.fullmatch(name) is not None and _NUMBERS.search(name) is None


def looks_personal(text: str) -> bool:
    """Whether a text may be about a person."""
    return _TEXT.search(text) is not None or _NUMBERS.search(text) is not None
