"""What each family of faults is to a trial: suffered, done, or both; whose it is; whom it puts out.

Purpose: the tables that weather.py reads a plan by. What is done is in acts.py, system_acts.py, agreed_acts.py, reader_acts.py and issuer.py.
Source: the thirty families of faults of the settlement designs; F31, the default of the issuer of the money, is our own.
"""

from typing import Final

from settlement.designs.conduct import MINUTE_NS

FOREVER_NS: Final = 2**62
SKEW_MAX_NS: Final = 4 * 60 * MINUTE_NS
"""A clock that is farther off is noticed."""

REFUSED: Final = frozenset({"F10", "F13", "F17", "F23", "F26", "F27"})
"""These move nothing: locked tokens, dust, bad partials, deletions, numbers, strangers."""

ACTS: Final[dict[str, frozenset[str]]] = {
    "F4": frozenset({"duplicate", "reordered", "reply_lost"}),
    "F5": frozenset(),
    "F6": frozenset(),
    "F8": frozenset({"wrong_verdict", "both_keys", "replay"}),
    "F10": frozenset(),
    "F13": frozenset(),
    "F17": frozenset(),
    "F23": frozenset(),
    "F26": frozenset(),
    "F27": frozenset(),
}
"""What is done, not suffered (acts.py), by family and kind; an empty set is every kind."""

ALSO_ACTS: Final = frozenset(
    {"F1", "F2", "F7", "F12", "F18", "F19", "F20", "F21", "F22", "F25", "F28", "F29", "F30",
     "F31"}
)  # fmt: skip
"""What is suffered, and done at its beginning and its end as well (system_acts.py and its neighbours)."""

OF_PARTY: Final = frozenset({"F1", "F5", "F6", "F10", "F13", "F17", "F23", "F26"})
OF_MESSAGE: Final = frozenset({"F4"})
OF_MATCH: Final = frozenset({"F12", "F18"})
OF_AGENT: Final = frozenset({"F8"})
OF_DECISION: Final = frozenset({"F30"})
OF_FIRM: Final = frozenset({"F15", "F22"})
OF_FUNDS: Final = frozenset({"F14"})
OF_ACCOUNT: Final = frozenset({"F11"})
OF_STATION: Final = frozenset({"F16"})
OF_MONEY: Final = frozenset({"F31"})
FOR_EVER: Final = frozenset({"F15", "F31"})
"""Who has defaulted does not come back."""

ISSUERS: Final = {
    "deposit": "issuer of the deposit", "trust": "issuer of the coins", "bank": "settlement bank",
}  # fmt: skip
"""Who issues a kind of money: whose default F31 is."""

OF_ISSUE: Final = frozenset({"F9", "F19", "F24"})
SYSTEMS_OUT: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "F2": {"token": ("token",), "cash": ("cash",), "both": ("token", "cash")},
    "F7": {"slow": (), "": ("notary",)},
    "F21": {"": ("index",)},
    "F25": {"": ("entry",)},
    "F27": {"": ()},
    "F28": {"": ()},
    "F29": {"": ("entry",)},
}
"""What a family puts out; ``entry`` is the beginning of new settlements, ``index`` a reader of a ledger."""

ADMITTED_MAX: Final = 100
"""Open requests that a platform lets one firm have; what comes beyond is refused."""
_REQUEST_NS: Final = 50_000_000
SLOW_NS: Final[dict[str, int]] = {"F7": 30_000_000_000, "F28": ADMITTED_MAX * _REQUEST_NS}
"""How much longer a step takes: a notary without one of its members waits for the others' second
round; a flooded ledger has at most what its limit lets in before it (reader_acts.py)."""
SLOWS: Final = frozenset({("F7", "slow"), ("F28", "flood")})


CAUSES: Final = {
    "F2": "ledger operator", "F7": "notary", "F27": "stranger", "F28": "flooder",
}  # fmt: skip
"""Who is answerable for a system; the platform for the others."""
