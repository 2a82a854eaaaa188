"""The first price (初値) of a new issue: what is different until there is one.

| until the first price | after it |
|---|---|
| no daily limits; orders from a quarter to four times the base price | limits around the first price |
| no market orders, no funari orders, which become ones | as usual |
| only itayose, whatever the state | as usual |
| quotes step 5% of the base price in ten minutes, up to 2.3 and down to 0.75 times | renewal widths |
| neither stop allocation nor special execution | as usual |

Nagoya Stock Exchange, new issues (TSE's design is the same); every number is a value of the preset.
Our own where the text is silent: the first cross may be one step from the base price, and a day that
ends without a first price hands its last quote on as the next base price.
"""

from market.instrument import Instrument
from market.quantities import Sen
from market.rules import Rules

_WHOLE = 100


def seeks_first_price(instrument: Instrument, rules: Rules) -> bool:
    """Whether an issue as listed has no price yet and the preset has rules for that."""
    has_rules = rules.first_price_rules.value and rules.special_quotes.value
    return instrument.newly_listed and has_rules


def entry_band(instrument: Instrument, rules: Rules, base_sen: Sen) -> tuple[Sen, Sen]:
    """Lowest and highest price of an order, both on the grid."""
    factor = rules.first_price_band_factor.value
    return instrument.drawn_inward(Sen(-(-base_sen // factor)), Sen(base_sen * factor))


def quote_band(instrument: Instrument, rules: Rules, base_sen: Sen) -> tuple[Sen, Sen]:
    """Lowest and highest price of a quote, and of the first trade, both on the grid.

    On a coarse grid the band still holds the price at or below the base price (or the first).
    """
    lowest = -(-base_sen * rules.first_price_down_percent.value // _WHOLE)
    highest = base_sen * rules.first_price_up_percent.value // _WHOLE
    low, high = instrument.drawn_inward(Sen(lowest), Sen(highest))
    at_or_below = instrument.ticks.next_below(Sen(base_sen + 1)) or instrument.ticks.next_above(
        Sen(0)
    )
    return min(low, at_or_below), max(high, at_or_below)


def step_sen(rules: Rules, base_sen: Sen) -> Sen:
    """How far a quote moves at a time, rounded down; 0 for the renewal width."""
    return Sen(base_sen * rules.first_price_step_percent.value // _WHOLE)
