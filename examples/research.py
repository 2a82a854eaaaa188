"""A market day for research in a few lines; run it with ``python examples/research.py``.

The tables are also there as Arrow, pandas and polars (pip install 'kitahama[research]'); what is
printed here needs neither.
"""

import sys
from pathlib import Path

from venue.montecarlo import monte_carlo
from venue.research import load, run_day

orders = load(Path(__file__).with_name("research_orders.csv"))
day = run_day(orders, preset="start")

say = sys.stdout.write
for cross in day.auctions.rows():
    if cross["price_sen"]:
        say(
            "cross {phase} {instrument_id}: {price_sen} sen, {executed_units} units\n".format(
                **cross
            )
        )
for trade in day.trades.rows():
    say(
        "trade {trade_number}: {buy_order_id} buys {quantity_units} of {sell_order_id}\n".format(
            **trade
        )
    )
for place in day.places("KH01", at="11:29:30").rows():
    say("queue {side} {order_id}: {leaves_units} units, {ahead_units} ahead\n".format(**place))

many = monte_carlo(books=100, days=5, seed=7)
say(f"{many.price_sen.size} crosses, {(many.price_sen == 0).sum()} without a trade\n")
