"""The presets: one module a market, each value with its source and mark."""

from typing import Final

from market.errors import BadInput
from market.rulebooks.odx_equities import ODX_EQUITIES
from market.rulebooks.ose import OSE
from market.rulebooks.start import START
from market.rulebooks.tse import TSE
from market.rules import Rules

__all__ = ["ODX_EQUITIES", "OSE", "PRESETS", "START", "TSE", "preset"]

PRESETS: Final[dict[str, Rules]] = {rules.name: rules for rules in (START, TSE, OSE, ODX_EQUITIES)}


def preset(name: str) -> Rules:
    """The rulebook of that name.

    Raises:
        BadInput: When there is none.
    """
    if name not in PRESETS:
        raise BadInput(f"no preset is called {name!r}; presets are {', '.join(PRESETS)}")
    return PRESETS[name]
