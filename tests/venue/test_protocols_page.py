"""PROTOCOLS.md has every message the doors' tables have: a type that is added has to be told there."""

import re
from pathlib import Path

import pytest

from feeds import itch, kraken
from feeds.wire import Channel
from market.events import ChargeKind
from participants.fix_profiles import PROFILES
from participants.wire import METHODS
from venue.asyncapi import DOORS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "PROTOCOLS.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """What stands under the headings that begin so, whatever their level."""
    found = [part for part in re.split(r"(?m)^#+ ", PAGE) if part.startswith(title)]
    assert found, f"no heading {title!r}"
    return "\n".join(found)


def first_cells(text: str) -> set[str]:
    """The words of the first cell of every row of a section's tables."""
    cells = re.findall(r"(?m)^\|([^|\n]*)\|", text)
    return {word for cell in cells for word in re.split(r"[ ,/]+", cell.strip())}


def quoted(text: str) -> set[str]:
    """Everything a section has in backquotes."""
    return set(re.findall(r"`([^`\n]+)`", text))


@pytest.mark.parametrize(("profile", "title"), [("start42", "START 4.2"), ("house44", "Our 4.4")])
def test_every_fix_message_has_a_row(profile: str, title: str) -> None:
    """Session messages in the table of the session, the others in their profile's."""
    session, own = first_cells(section("Session")), first_cells(section(title))
    rules = PROFILES[profile].messages
    assert {kind for kind, rule in rules.items() if not rule.is_admin} <= own
    named = {kind for kind, rule in rules.items() if rule.is_admin} - session
    assert not named


@pytest.mark.parametrize(("profile", "title"), [("start42", "START 4.2"), ("house44", "Our 4.4")])
def test_every_fix_field_is_in_its_messages_row(profile: str, title: str) -> None:
    """Required and optional tags of what is asked and answered, exactly."""
    rows = {
        cells[0].split()[-1]: cells
        for line in section(title).splitlines()
        if (cells := [cell.strip() for cell in line.strip("| ").split("|")])[0] and len(cells) > 2
    }
    for kind, rule in PROFILES[profile].messages.items():
        if rule.is_admin:
            continue
        required, optional = (
            [int(tag) for tag in re.findall(r"\d+", rows[kind][n])] for n in (1, 2)
        )
        within = {tag for group in rule.groups.values() for tag in group.members}
        assert {*required, *optional} == {*rule.required, *rule.optional, *within}, kind
        assert set(required) - within == set(rule.required) - within, kind
        assert set(optional) - within == set(rule.optional) - within, kind
        assert len(set(required + optional)) == len(required + optional), kind
        for counter, group in rule.groups.items():
            inside = set(group.required) if counter in rule.required else set()
            assert inside <= set(required), kind
            assert not set(group.optional) & set(required) - set(rule.required), kind


def test_every_itch_message_has_a_row() -> None:
    """Those of the day in the table, the snapshot's own in its section."""
    kinds = {chr(kind) for kind in itch._SHAPES}
    assert kinds - {"G"} <= first_cells(section("Market data: ITCH"))
    assert "G" in quoted(section("Snapshots"))


def test_every_soup_packet_is_named() -> None:
    """Every type the door or its encoder writes or reads."""
    code = (ROOT / "feeds/soup.py").read_text() + (ROOT / "venue/soup_line.py").read_text()
    kinds = set(re.findall(r'(?:packet\(|kind == |_HEAD\.pack\([^"]*|\{|, )b"([A-Z+])"', code))
    assert kinds >= set("+AJSHZLURO")
    assert kinds <= quoted(section("SoupBinTCP"))


@pytest.mark.parametrize("door", sorted(DOORS))
def test_every_websocket_message_is_named(door: str) -> None:
    """Methods, answers, news and channels, by the names of the AsyncAPI document."""
    _, _, heard, told = DOORS[door]
    missing = {*heard, *told} - quoted(section("Websockets"))
    assert not missing


def test_every_method_and_channel_is_named() -> None:
    """The tables that decode requests and number the feed."""
    names = quoted(section("Websockets"))
    assert {*METHODS, *Channel} - names == set()
    assert {*kraken.CHANNELS} - quoted(section("Kraken")) == set()


def test_every_act_on_tokens_and_every_kind_of_news_is_named() -> None:
    """The words that the modules of reports write, and the codes a word on a delivery is refused with."""
    words = quoted(section("Websockets"))
    tokens = (ROOT / "participants/token_reports.py").read_text()
    told = set(re.findall(r'what="(\w+)"|what = "(\w+)"|else "(\w+)"', tokens))
    assert {word for found in told for word in found if word} - words - {"renew", "revoke"} == set()
    assert {f"{act}_{key}" for act in ("renew", "revoke") for key in ("key", "node_key")} <= words
    reports = (ROOT / "participants/reports.py").read_text()
    pushed = set(re.findall(r'_(?:push|tell_firm)\([^"\n]*"(\w+)"', reports))
    assert {"trade", "delivery", "token"} <= pushed <= words
    deliveries = (ROOT / "participants/delivery_reports.py").read_text()
    told = set(
        re.findall(r'what = "(\w+)" if .* else "(\w+)"|(?:return|said =) "(\w+)"', deliveries)
    )
    kinds = {word for found in told for word in found if word}
    assert {"fill", "hold", "release", "matched", "reversal", "reversal_asked"} <= kinds
    assert {*kinds, *ChargeKind} <= words
