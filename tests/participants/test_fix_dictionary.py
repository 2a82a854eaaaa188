"""The published dictionaries are the tables the doors judge by."""

from importlib.resources import files
from xml.etree import ElementTree as ET

import pytest

from participants.fix_codec import FixMessage
from participants.fix_dictionary import FILES, dictionary
from participants.fix_profiles import PROFILES, START_42
from participants.fix_rules import FixRules


@pytest.mark.parametrize("name", PROFILES)
def test_the_files_in_the_package_are_what_the_tables_say(name: str) -> None:
    """Whoever takes the file gets today's tables."""
    text = (files("participants") / FILES[name]).read_text(encoding="utf-8")

    assert text == dictionary(PROFILES[name])


@pytest.mark.parametrize("name", PROFILES)
def test_every_member_is_a_field_and_stands_once(name: str) -> None:
    """A dictionary that names a field it does not define cannot be loaded."""
    root = ET.fromstring(dictionary(PROFILES[name]))  # noqa: S314 - our own text
    known = {each.get("name") for each in root.findall("./fields/field")}
    numbers = [each.get("number") for each in root.findall("./fields/field")]
    for message in root.findall("./messages/message"):
        members = [each.get("name") for each in message]
        assert set(members) <= known
        assert len(set(members)) == len(members), message.get("name")
    assert len(set(numbers)) == len(numbers)


START_REQUIRED = {
    "D": {11, 21, 38, 40, 54, 55, 60},
    "F": {11, 38, 41, 54, 55, 60},
    "8": {6, 11, 14, 17, 20, 37, 38, 39, 54, 55, 150, 151},
    "9": {11, 37, 39, 41, 434},
    "j": {372, 380},
    "h": {336, 340},
    "A": {98, 108},
}
START_OPTIONAL = {
    "D": {1, 22, 44, 47, 48, 59},
    "F": set(),
    "8": {1, 31, 32, 40, 41, 44, 47, 58, 59, 60, 103, 378, 382, 880},
    "9": {102, 58},
    "j": {45, 379, 58},
    "h": {339},
}


@pytest.mark.parametrize("kind", START_REQUIRED)
def test_starts_messages_have_exactly_their_fields(kind: str) -> None:
    """START FIX 1.1 (2nd-hand), message by message; the logon's password (95, 96) is ours."""
    rule = START_42.messages[kind]

    assert set(rule.required) == START_REQUIRED[kind]
    assert set(rule.optional) == START_OPTIONAL.get(kind, {141, 95, 96})


def test_each_required_field_is_missed_by_its_number() -> None:
    """Leave one out of a good order, and the breach names it."""
    rules = FixRules(START_42)
    good = {
        "11": "a", "21": "1", "38": "1", "40": "2", "44": "1", "54": "1", "55": "KH01",
        "60": "20261126-01:00:00",
    }  # fmt: skip
    assert rules.breach(FixMessage("FIX.4.2", "D", good)) is None
    for tag in START_42.messages["D"].required:
        fields = {name: value for name, value in good.items() if name != str(tag)}
        breach = rules.breach(FixMessage("FIX.4.2", "D", fields))
        assert breach is not None
        assert (breach.reason, breach.tag) == (1, str(tag))
