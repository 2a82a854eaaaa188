"""The report's section on the kind of money: the same designs and trades, paid in each kind.

Purpose: one table, design by kind, of what the kind changes, at the report's first slice. Nothing when a run
has one kind alone. Ordering: kinds and designs as they were run.
"""

from collections.abc import Sequence
from html import escape
from typing import Final

from venue.comparison.metrics import METRICS
from venue.comparison.money import MONEY_BY_KEY
from venue.comparison.summary import Row, Slice, band, rows_of
from venue.comparison.svg import short

SHOWN: Final = (
    "finality_p50_h", "finality_p95_h", "late_share", "liquidity_used_yen", "lock_cash_yen_h",
    "lock_token_yen_h", "in_flight_peak_yen", "idle_money_yen_h", "issuer_loss_yen",
    "issuer_struck_yen",
    "principal_integral_yen_h", "money_cost_yen", "cost_high_yen",
)  # fmt: skip


def of_money(rows: Sequence[Row], first: Slice) -> list[str]:
    """The section's parts of the page, or none."""
    kinds = list(dict.fromkeys(row["money"] for row in rows))
    if len(kinds) == 1:
        return []
    here = rows_of(rows, horizon=first[0], faults=first[1], liquidity=first[2])
    places = list(dict.fromkeys((row["design"], row["money"]) for row in here))
    paid_in = {design: [kind for one, kind in places if one == design] for design, _ in places}
    shown = [one for one in METRICS if one.name in SHOWN]
    shown.sort(key=lambda one: SHOWN.index(one.name))
    head = "".join(f"<th title='{escape(one.how)}'>{escape(one.label)}</th>" for one in shown)
    body = []
    for design, its in paid_in.items():
        for kind in its:
            mine = rows_of(here, design=design, money=kind)
            cells = "".join(f"<td>{_median(mine, one.name)}</td>" for one in shown)
            body.append(f"<tr><th>{escape(design)}</th><th>{escape(kind)}</th>{cells}</tr>")
    stories = "".join(
        f"<li>{escape(MONEY_BY_KEY[one].title)} ({one}): {escape(MONEY_BY_KEY[one].story)}</li>"
        for one in kinds
    )
    return [
        '<h2 class="break">The kind of money</h2>',
        (
            f"<p>T+{first[0]}, faults {first[1]}, liquidity {first[2]}; medians over seeds. All other "
            f"sections are of {escape(kinds[0])}. Where a design has no row, the page's end says why.</p>"
        ),
        f"<ul>{stories}</ul>",
        (
            f'<table class="figures"><thead><tr><th></th><th></th>{head}</tr></thead>'
            f"<tbody>{''.join(body)}</tbody></table>"
        ),
    ]


def _median(rows: Sequence[Row], name: str) -> str:
    found = band(row[name] for row in rows)
    if found is None:
        return "–"
    return f"{100 * found.median:.1f}%" if name.endswith("_share") else short(found.median)
