"""The profiles as QuickFIX dictionaries (XML), so that a client validates what we say we do.

``kitahama schema --fix42`` and ``--fix44`` print them, and the files stand in the package
(participants/fix42-start.xml, fix44-kitahama.xml); a test holds the files to the tables.
Source of the format: QuickFIX's data dictionary.
"""

from collections.abc import Iterator
from typing import Final

from participants.fix_profiles import (
    HEADER_OPTIONAL,
    HEADER_REQUIRED,
    HOUSE_44,
    START_42,
    TRAILER,
    MessageRule,
    Profile,
)

FILES: Final = {START_42.name: "fix42-start.xml", HOUSE_44.name: "fix44-kitahama.xml"}
"""Name of each profile's file in this package."""


def dictionary(profile: Profile) -> str:
    """The whole XML text of a profile."""
    return "\n".join(_lines(profile)) + "\n"


def _lines(profile: Profile) -> Iterator[str]:
    major, minor = profile.begin.removeprefix("FIX.").split(".")
    yield f"<fix major='{major}' minor='{minor}' type='FIX' servicepack='0'>"
    yield " <header>"
    yield from _members(profile, HEADER_REQUIRED, HEADER_OPTIONAL)
    yield " </header>"
    yield " <messages>"
    for rule in profile.messages.values():
        category = "admin" if rule.is_admin else "app"
        yield f"  <message name='{rule.name}' msgtype='{rule.kind}' msgcat='{category}'>"
        yield from _members(profile, rule.required, rule.optional, rule)
        yield "  </message>"
    yield " </messages>"
    yield " <trailer>"
    yield from _members(profile, TRAILER, ())
    yield " </trailer>"
    yield " <components/>"
    yield " <fields>"
    for field in sorted(profile.fields.values(), key=lambda each: each.tag):
        head = f"  <field number='{field.tag}' name='{field.name}' type='{field.type}'"
        if not field.values:
            yield f"{head}/>"
            continue
        yield f"{head}>"
        for value, word in field.values.items():
            yield f"   <value enum='{value}' description='{word}'/>"
        yield "  </field>"
    yield " </fields>"
    yield "</fix>"


def _members(
    profile: Profile,
    required: tuple[int, ...],
    optional: tuple[int, ...],
    rule: MessageRule | None = None,
) -> Iterator[str]:
    for tag in (*required, *optional):
        name, needed = profile.fields[tag].name, "Y" if tag in required else "N"
        group = rule.groups.get(tag) if rule is not None else None
        if group is None:
            yield f"   <field name='{name}' required='{needed}'/>"
            continue
        yield f"   <group name='{name}' required='{needed}'>"
        for inner in group.members:
            inside = "Y" if inner in group.required else "N"
            yield f"    <field name='{profile.fields[inner].name}' required='{inside}'/>"
        yield "   </group>"
