"""Every engine in the comparison: its adapter, what to install, and the rules it has.

``rules`` speak of what can be reached from Python in the pinned version, read from its own code and
documentation. Features of a project's other parts that its package does not show are left out.
"""

from typing import Final, NamedTuple


class Rules(NamedTuple):
    """What an engine lets one do, in a few words each; "" means it has nothing of the kind."""

    orders: str
    amend: str = ""
    self_trade: str = ""
    auction: str = ""
    checks: str = ""
    phases: str = ""


class Peer(NamedTuple):
    """One row of the table.

    Attributes:
        place: Module and class of the adapter.
        needs: What pip installs; empty for what runs in this project's own environment.
        python: The version it needs, major and minor.
        how: Language, and how it is reached.
    """

    place: str
    needs: tuple[str, ...]
    python: str
    how: str
    rules: Rules


_OURS = ()
_KITAHAMA = Rules(
    "limit, market; day, next auction, IOC, FOK",
    "keeps or loses priority by preset; trades when it crosses",
    "allow and flag; cancel newest, oldest, both; decrement",
    "call auctions, indicative price",
    "tick, lot, price limits, quantity limits",
    "nine, by preset; halts",
)
_EVENTS_LIMIT = _KITAHAMA._replace(self_trade="allow and flag", phases="by preset")
_LIMIT_ONLY = Rules("limit, market, IOC", "less at the same price keeps priority")

PEERS: Final[dict[str, Peer]] = {
    "harness-loop": Peer("ours:HarnessLoop", _OURS, "", "no engine", Rules("")),
    "c-trades": Peer("ours:TradesLimit", _OURS, "", "C, one call a file", _LIMIT_ONLY),
    "c-trades-nomod": Peer("ours:TradesLimitNomod", _OURS, "", "C, one call a file", _LIMIT_ONLY),
    "c-trades-call": Peer("ours:TradesLimitCall", _OURS, "", "C, one call a message", _LIMIT_ONLY),
    "c-empty-call": Peer("ours:EmptyCall", _OURS, "", "C, does nothing", Rules("")),
    "c-events": Peer("ours:EventsLimit", _OURS, "", "C, 10,000 commands a call", _EVENTS_LIMIT),
    "kitahama-batch": Peer("ours:KitahamaBatch", _OURS, "", "Cython, 10,000 commands a call", _KITAHAMA),
    "kitahama-trades": Peer("ours:KitahamaTrades", _OURS, "", "Cython, a call a message, trades", _KITAHAMA),
    "kitahama-call": Peer("ours:KitahamaCall", _OURS, "", "Cython, a call a message, all events", _KITAHAMA),
    "kitahama-kernel": Peer("ours:KitahamaKernel", _OURS, "", "Python rules on the Cython book", _KITAHAMA),
    "kitahama-sorted": Peer("ours:KitahamaSorted", _OURS, "", "Python, one entry a message", _KITAHAMA),
    "limit-order-book": Peer(
        "compiled:LimitOrderBook", ("limit-order-book==3.1.0",), "3.13", "C++, Cython",
        Rules("limit, market"),
    ),
    "bourse": Peer(
        "compiled:Bourse", ("bourse==0.4.0",), "3.11", "Rust, PyO3",
        Rules("limit, market", "modify; less keeps priority", checks="tick"),
    ),
    "nanobook": Peer(
        "compiled:Nanobook", ("nanobook==0.19.2",), "3.11", "Rust, PyO3",
        Rules("limit, market, stop, trailing; IOC, FOK", "as cancel and new"),
    ),
    "lumina-lob": Peer(
        "compiled:LuminaCore", ("lumina-lob==0.1.4",), "3.11", "C++, pybind11",
        Rules("limit, market, IOC, FOK", "reduce"),
    ),
    "lumina-lob-python": Peer(
        "interpreted:LuminaPython", ("lumina-lob==0.1.4",), "3.11", "Python",
        Rules("limit, market, IOC, FOK", "reduce"),
    ),
    "liquibook": Peer(
        "compiled:Liquibook", ("liquibook==2.0.1",), "3.11", "C++, SWIG",
        Rules("limit, market, stop, all or none, IOC, FOK", "always loses priority"),
    ),
    "liquibook-quiet": Peer(
        "compiled:LiquibookQuiet", ("liquibook==2.0.1",), "3.11", "C++, SWIG, no listener",
        Rules("limit, market, stop, all or none, IOC, FOK", "always loses priority"),
    ),
    "litebook": Peer(
        "compiled:Litebook", ("litebook==0.0.1",), "3.11", "Rust, PyO3", Rules("limit", checks="tick")
    ),
    "matching-engine": Peer(
        "interpreted:MatchingEngine", ("matching-engine[gateway]==0.1.1",), "3.13", "Python",
        Rules("limit, market; GTC, IOC, FOK, post only", self_trade="cancel taker, maker, both"),
    ),
    "pylobo": Peer(
        "compiled:Pylobo", ("pylobo==0.1.2",), "3.11", "Rust, PyO3", Rules("limit, market, iceberg")
    ),
    "orderly-chaos": Peer(
        "compiled:OrderlyChaos", ("orderly-chaos==0.2.0",), "3.11", "C++, ctypes",
        Rules("limit, market", "reduce"),
    ),
    "orderly-chaos-quiet": Peer(
        "compiled:OrderlyChaosQuiet", ("orderly-chaos==0.2.0",), "3.11", "C++, ctypes, no callback",
        Rules("limit, market", "reduce"),
    ),
    "cython-orderbook": Peer(
        "compiled:CythonOrderbook", ("cython-orderbook==0.1.2",), "3.11", "Cython",
        Rules("limit, market"),
    ),
    "akhil4n-orderbook": Peer(
        "interpreted:Akhil4n", ("akhil4n-orderbook==0.1.1",), "3.11", "Python",
        Rules("limit, market"),
    ),
    "pyorderbook": Peer(
        "interpreted:PyOrderbook", ("pyorderbook==0.4.9",), "3.11", "Python", Rules("limit")
    ),
    "lightmatchingengine": Peer(
        "interpreted:LightMatchingEngine", ("lightmatchingengine==2019.1.4",), "3.11", "Python",
        Rules("limit, market"),
    ),
    "convexpi-arena": Peer(
        "interpreted:ConvexpiArena", ("convexpi-arena==0.2.0",), "3.11", "Python",
        Rules("limit, market", checks="risk, liquidation"),
    ),
    "edumatcher": Peer(
        "interpreted:EduMatcher", ("edumatcher==0.53.0",), "3.13", "Python",
        Rules(
            "limit, market, stop, trailing, iceberg, OCO, quotes; day, GTC, IOC, FOK, ATO, ATC",
            "less keeps priority; a crossing price rests crossed", "none; cancel aggressor, resting, both",
            "opening, closing, recovery; indicative price", "collars, circuit breakers",
            "sessions",
        ),
    ),
    "obook": Peer(
        "compiled:Obook", ("obook==0.1.0",), "3.11", "Go, ctypes",
        Rules("limit, market; GTC, IOC, FOK, post only", "reduce, replace", "cancel taker, always on"),
    ),
    "manticore-orderbook": Peer(
        "interpreted:Manticore", ("manticore-orderbook==1.0.1",), "3.11", "Python",
        Rules("limit, market, stop, trailing, iceberg; IOC, FOK, GTD, post only", "modify"),
    ),
    "tracebook": Peer(
        "interpreted:Tracebook", ("tracebook-conformance==0.6.0",), "3.11", "Python",
        Rules("limit, market, IOC, FOK; FIFO or pro rata", "reduce, replace", "cancel resting or incoming",
              checks="tick"),
    ),
    "fastlob": Peer(
        "interpreted:Fastlob", ("fastlob==0.0.24",), "3.11", "Python",
        Rules("limit; GTC, FOK, GTD", "quantity", checks="tick, lot by decimals"),
    ),
    "cleolob": Peer(
        "interpreted:CleoLob", ("cleolob==0.9.0",), "3.11", "Python",
        Rules("limit, market; GTC, IOC, FOK, GTD, post only", "modify", checks="tick"),
    ),
    "order-matching": Peer(
        "interpreted:OrderMatching", ("order-matching[all]==0.12.0", "pandera[polars]"), "3.11",
        "Python, Polars", Rules("limit, market, expiry"),
    ),
    "pams": Peer(
        "interpreted:Pams", ("pams==0.3.0",), "3.11", "Python",
        Rules("limit, market, time to live", auction="one price a pass", phases="sessions"),
    ),
}  # fmt: skip
