"""The base of every command and event: frozen, slotted, keyword-only, and its own codec.

A frozen standard dataclass costs about fifteen times as much to create as one of these, and the
book creates more than one event for each command; see DECISIONS.md 0013. Messages hold ints,
strings, enums and tuples of messages only, so the garbage collector need not look at them.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.json import Encoder

_encode = Encoder().encode


class Message(Struct, frozen=True, gc=False, tag=True, tag_field="is", omit_defaults=True):
    """One immutable fact or request; make a new one, never edit."""


class Record(Struct, gc=False, eq=False):
    """The base of what changes in place and is made often: cheap to make, compared by identity.

    The garbage collector does not look at it, so whoever links records in a ring must unlink them.
    """


def canonical(terms: Sequence[object]) -> bytes:
    """Strings, ints and sequences of them as JSON without spaces: what is hashed and signed.

    The same terms give the same bytes everywhere; different terms never do.
    """
    return _encode(terms)
