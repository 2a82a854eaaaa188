"""Whether a client's message is one its profile knows: tags, values, what has to be there.

Purpose: the part of FIX validation that needs no state. The answer to a breach is a session-level
Reject (35=3) with its reason (373) and tag (371), or a business reject (35=j) for a kind of message
that the profile does not have.
Ordering: repeated tag (or a repeating group that is not as counted), then each tag in the order sent (number, value, known, belongs here, format,
enumeration), then what is missing in the dictionary's order. The first breach is the answer.
Invariants: pure; never raises.
Cost: about 3 microseconds for an order.
Source: FIX 4.2, SessionRejectReason (373); QuickFIX checks the same things in the same spirit.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from participants.fix_codec import FixMessage
from participants.fix_profiles import HEADER_OPTIONAL, HEADER_REQUIRED, MessageRule, Profile

INVALID_TAG: Final = 0
MISSING: Final = 1
NOT_OF_MESSAGE: Final = 2
UNDEFINED: Final = 3
EMPTY: Final = 4
INCORRECT: Final = 5
BAD_FORMAT: Final = 6
COMP_ID: Final = 9
SENDING_TIME: Final = 10
REPEATED: Final = 13
OUT_OF_ORDER: Final = 15
WRONG_COUNT: Final = 16

UNSUPPORTED_KIND: Final = 3
"""BusinessRejectReason (380)."""

_FORMATS: Final = {
    "INT": r"-?[0-9]{1,12}",
    "NUMINGROUP": r"[0-9]{1,3}",
    "LENGTH": r"[0-9]{1,6}",
    "QTY": r"[0-9]{1,12}(\.0{1,6})?",
    "PRICE": r"-?[0-9]{1,12}(\.[0-9]{1,6})?",
    "CHAR": r".",
    "BOOLEAN": r"[YN]",
    "UTCTIMESTAMP": r"[0-9]{8}-([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]{3})?",
    "STRING": r"[\x20-\x7e]{1,256}",
    "DATA": r"[\x20-\x7e]{1,512}",
}
_TAG: Final = re.compile(r"[1-9][0-9]{0,5}")
_FRAME: Final = frozenset(map(str, (*HEADER_REQUIRED, *HEADER_OPTIONAL, 10)))


@dataclass(frozen=True, slots=True)
class Breach:
    """What is wrong: SessionRejectReason, the tag, and words; ``is_unsupported`` asks for a j."""

    reason: int
    tag: str
    text: str
    is_unsupported: bool = False


class FixRules:
    """One profile's checks, ready to run."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._checks = {
            str(rule.tag): (
                re.compile(_FORMATS.get(rule.type, _FORMATS["STRING"])).fullmatch,
                frozenset(rule.values),
            )
            for rule in profile.fields.values()
        }
        self._bodies = {
            kind: (
                frozenset(map(str, (*rule.required, *rule.optional, *_inside(rule)))),
                tuple(map(str, (*rule.required, *_begins(rule)))),
            )
            for kind, rule in profile.messages.items()
            if rule.inbound
        }
        self._groups = {
            kind: {str(tag): tuple(map(str, group.members)) for tag, group in rule.groups.items()}
            for kind, rule in profile.messages.items()
            if rule.inbound and rule.groups
        }

    def breach(self, message: FixMessage) -> Breach | None:
        """The first thing wrong with a message, or None. O(fields)."""
        body = self._bodies.get(message.kind)
        if body is None:
            text = f"message type {message.kind[:8]} is not supported"
            return Breach(UNSUPPORTED_KIND, "35", text, is_unsupported=True)
        groups = self._groups.get(message.kind)
        if groups is None and message.repeated is not None:
            return Breach(REPEATED, message.repeated, "tag appears more than once")
        allowed, required = body
        checks = self._checks
        fields = message.fields
        said: Iterable[tuple[str, str]] = fields.items()
        if groups is not None:
            said = [(tag, value) for tag, _, value in message.parts] or list(fields.items())
            breach = _miscounted(said, groups)
            if breach is not None:
                return breach
        for tag, value in said:
            check = checks.get(tag)
            if check is None or not value:
                return self._odd(tag, value)
            if tag not in allowed and tag not in _FRAME:
                return Breach(NOT_OF_MESSAGE, tag, "tag is not defined for this message type")
            is_formed, values = check
            if is_formed(value) is None:
                return Breach(BAD_FORMAT, tag, "incorrect data format for value")
            if values and value not in values:
                return Breach(INCORRECT, tag, "value is incorrect for this tag")
        for tag in required:
            if tag not in fields:
                return Breach(MISSING, tag, "required tag missing")
        return None

    def _odd(self, tag: str, value: str) -> Breach:
        if _TAG.fullmatch(tag) is None:
            return Breach(INVALID_TAG, "0", "invalid tag number")
        if not value:
            return Breach(EMPTY, tag, "tag specified without a value")
        return Breach(UNDEFINED, tag, "undefined tag")


def _inside(rule: MessageRule) -> Iterator[int]:
    """The fields of all groups of a message."""
    for group in rule.groups.values():
        yield from group.members


def _begins(rule: MessageRule) -> Iterator[int]:
    """What every group that has to be there begins its entries with."""
    for tag, group in rule.groups.items():
        if tag in rule.required:
            yield group.required[0]


def _miscounted(
    said: Iterable[tuple[str, str]], groups: dict[str, tuple[str, ...]]
) -> Breach | None:
    """What is wrong with the repeating groups of a message, or a tag twice outside them. O(fields).

    Each entry begins with its group's first field and has no field twice; so many entries follow
    the counter as it says, and nothing of a group stands anywhere else.
    """
    owners = {tag: counter for counter, members in groups.items() for tag in members}
    seen: dict[str, None] = {}
    entry: dict[str, None] = {}
    counts: dict[str, tuple[str, int]] = {}
    open_group = ""
    for tag, value in said:
        owner = owners.get(tag)
        if owner is None:
            if tag in seen:
                return Breach(REPEATED, tag, "tag appears more than once")
            seen[tag] = None
            open_group = tag if tag in groups else ""
            if open_group:
                counts[tag] = (value, 0)
            continue
        if owner != open_group:
            return Breach(OUT_OF_ORDER, tag, "a group's fields follow its counter")
        told, entries = counts[owner]
        if tag == groups[owner][0]:
            entry = {}
            counts[owner] = (told, entries + 1)
        elif not entries:
            return Breach(OUT_OF_ORDER, tag, "an entry begins with the group's first field")
        if tag in entry:
            return Breach(REPEATED, tag, "tag appears more than once in an entry")
        entry[tag] = None
    for counter, (told, entries) in counts.items():
        if told.isdecimal() and int(told[:6]) != entries:
            return Breach(WRONG_COUNT, counter, "the group has another number of entries")
    return None
