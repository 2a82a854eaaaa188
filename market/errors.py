"""Exceptions of the house. Refusals live in market/reasons.py instead.

KitahamaError
├── InvariantBroken         the program is wrong: stop, keep the evidence
├── JournalError            the record on disk cannot be trusted
│   ├── JournalGap          a sequence number is missing
│   ├── JournalCorrupted    a record does not match its chain
│   └── JournalLocked       another process writes this journal
├── ReplayDiverged          same commands, different state: a determinism bug
└── BadInput                a file or setting from outside cannot be used
"""


class KitahamaError(Exception):
    """Root of everything this project raises on purpose."""


class InvariantBroken(KitahamaError):
    """A fact that must always hold does not; the process must stop.

    Attributes:
        fact: The sentence that was supposed to be true.
        evidence: The values that contradict it.
    """

    def __init__(self, fact: str, evidence: dict[str, object]) -> None:
        self.fact = fact
        self.evidence = evidence
        shown = ", ".join(f"{name}={value!r}" for name, value in evidence.items())
        super().__init__(f"{fact} ({shown})" if shown else fact)


class JournalError(KitahamaError):
    """The record on disk cannot be trusted; ``sequence`` names the first bad record."""

    def __init__(self, message: str, sequence: int) -> None:
        self.sequence = sequence
        super().__init__(message)


class JournalGap(JournalError):
    """A sequence number that was acknowledged, or must exist, is missing."""


class JournalCorrupted(JournalError):
    """A record does not match its hash chain or cannot be decoded."""


class JournalLocked(JournalError):
    """Another process has this journal open for writing."""


class ReplayDiverged(KitahamaError):
    """The same commands gave a different state."""


class BadInput(KitahamaError):
    """A file or setting from outside cannot be used; the message says where and why."""


def check(holds: bool, fact: str, **evidence: object) -> None:
    """Stop unless ``fact`` holds. Always on; an ``assert`` can be stripped.

    Raises:
        InvariantBroken: When it does not hold.
    """
    if not holds:
        raise InvariantBroken(fact, evidence)
