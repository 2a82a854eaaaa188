"""The report: one HTML file that needs nothing else, and its pictures as SVG files beside it.

Purpose: what a designer of settlement needs on paper: the result in a paragraph and a picture, the
table of every metric by design, the risks beside each design, the hypotheses with their verdicts,
who pays for which fault, and how each figure is computed.
Ordering: as printed. The same rows give the same bytes: no dates, no machine.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from venue.comparison.designs import BY_KEY, RISKS
from venue.comparison.faultmatrix import ACTS_ON, WHY_NOT
from venue.comparison.faultplans import FAMILIES
from venue.comparison.hypotheses import Verdict, judge
from venue.comparison.metrics import METRICS, Assumed
from venue.comparison.money import unpaid
from venue.comparison.moneytable import of_money
from venue.comparison.style import SCRIPT, STYLE
from venue.comparison.summary import (
    Band,
    Row,
    Slice,
    attributed,
    band,
    rows_of,
    slices,
    table,
)
from venue.comparison.svg import frontier, lines, panel, short

REPORT_FILE: Final = "report.html"
PANELS: Final = (
    "principal_integral_yen_h", "liquidity_used_yen", "finality_p50_h", "lock_token_yen_h",
    "fail_rate", "cost_high_yen", "option_yen", "staff_minutes",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Setting:
    """What was run, for the report's first lines.

    Attributes:
        flow: Where the trades come from.
        seeds: How many.
        audited: Whether the auditor read every log.
        designs: Those that were asked for; of one that cannot be paid in the money there are no cells.
    """

    flow: str
    seeds: int
    audited: bool
    designs: tuple[str, ...] = ()


def write_report(rows: Sequence[Row], folder: Path, setting: Setting) -> Path:
    """Write report.html and its SVG files; the path of the page."""
    drawn = pictures(first_money(rows))
    for name, picture in drawn.items():
        (folder / f"{name}.svg").write_text(picture, encoding="utf-8")
    path = folder / REPORT_FILE
    path.write_text(page(rows, setting, drawn), encoding="utf-8")
    return path


def first_money(rows: Sequence[Row]) -> list[Row]:
    """The rows of the first kind of money: what all but one section of the report is about."""
    return rows_of(rows, money=rows[0]["money"])


def headline(rows: Sequence[Row]) -> Slice:
    """The slice that is shown first: little trouble, middling funding, the shortest horizon."""
    known = slices(rows)

    def likeness(one: Slice) -> tuple[bool, bool, int]:
        return one[1] != "low", one[2] != "mid", one[0]

    return min(known, key=likeness)


def pictures(rows: Sequence[Row]) -> dict[str, str]:
    """Every picture by file name."""
    designs = list(dict.fromkeys(row["design"] for row in rows))
    horizon, faults, liquidity = headline(rows)
    here = rows_of(rows, faults=faults, liquidity=liquidity, horizon=horizon)
    drawn: dict[str, str] = {}
    points: dict[str, tuple[Band, Band]] = {}
    for design in designs:
        mine = rows_of(here, design=design)
        x = band(row["finality_p50_h"] for row in mine)
        y = band(row["principal_integral_yen_h"] for row in mine)
        if x is not None and y is not None:
            points[design] = (x, y)
    drawn["frontier"] = frontier(
        f"Principal at risk against time to finality (T+{horizon}, faults {faults}, liquidity {liquidity})",
        "hours from trade to finality, median trade", "principal at risk, yen·hours a day", points,
    )  # fmt: skip
    for name in PANELS:
        metric = next(one for one in METRICS if one.name == name)
        bands = {one: band(row[name] for row in rows_of(here, design=one)) for one in designs}
        drawn[name] = panel(metric.label, _unit(name), bands)
    for axis, words in (("liquidity", "by liquidity"), ("faults", "by faults")):
        levels = list(dict.fromkeys(row[axis] for row in rows))
        if len(levels) < 2:  # noqa: PLR2004  a line needs two points
            continue
        for name in ("fail_rate", "principal_loss_yen") if axis == "faults" else ("fail_rate",):
            metric = next(one for one in METRICS if one.name == name)
            series = {
                one: [_mean(rows_of(rows, design=one, **{axis: level}), name) for level in levels]
                for one in designs
            }
            drawn[f"{name}_{axis}"] = lines(
                f"{metric.label} {words}",
                f"{_unit(name)}, mean over all other axes",
                levels,
                series,
            )
    return drawn


def page(rows: Sequence[Row], setting: Setting, drawn: Mapping[str, str]) -> str:
    """The whole page."""
    every, rows = rows, first_money(rows)
    designs = list(dict.fromkeys(row["design"] for row in rows))
    verdicts = judge(rows)
    first = headline(rows)
    trades = band(float(row["trades"]) for row in rows)
    parts = [
        "<h1>One order flow, every settlement design</h1>",
        f'<p class="lead">{_abstract(rows, designs, setting, verdicts)}</p>',
        (
            f"<figure>{drawn['frontier']}<figcaption>Down and left is better. Dot: median over seeds; "
            "bars: 5–95%. Each design settles the same trades.</figcaption></figure>"
        ),
        "<h2>Hypotheses</h2>",
        _hypotheses(verdicts),
        '<h2 class="break">Every metric by design</h2>',
        _controls(rows, first),
        f'<div id="table">{_table(rows, designs, first)}</div>',
        (
            '<p class="note">Median over seeds, 5–95% band below it; – where the figure does not exist. '
            "† follows from the construction of the design and is counted, not measured.</p>"
        ),
        *of_money(every, first),
        '<h2 class="break">Pictures</h2><div class="grid">',
        *(f"<figure>{drawn[n]}</figure>" for n in drawn if n != "frontier"),
        "</div>",
        '<h2 class="break">Risks beside each design</h2>',
        _risks(designs),
        "<h2>Who pays for which fault</h2>",
        _attribution(rows),
        "<h2>The fault families</h2>",
        _families(designs),
        '<h2 class="break">How each figure is computed</h2>',
        _how(),
        "<h2>Assumptions</h2>",
        _assumptions(),
        "<h2>What was run</h2>",
        (
            f"<p>{len(every):,} cells: {len(designs)} designs, paid in {_listed(every, 'money')}, horizons "
            f"{_listed(rows, 'horizon', 'T+')}, faults {_listed(rows, 'faults')}, liquidity "
            f"{_listed(rows, 'liquidity')}, {setting.seeds} seeds; flow: "
            f"{escape(setting.flow)}; trades a cell: {_range(trades)}. Cells of one seed share their "
            "trades, and the faults of one seed and level are drawn alike for every design."
            f"{_audit(every, setting)}</p>"
        ),
        *_unpaid(every, setting),
    ]
    body = "\n".join(parts)
    packed = json.dumps(_packed(rows, designs), separators=(",", ":"))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Settlement designs compared</title><style>{STYLE}</style></head>\n"
        f'<body><main>{body}</main>\n<script type="application/json" id="data">{packed}</script>'
        f"<script>{SCRIPT}</script></body></html>\n"
    )


def _abstract(
    rows: Sequence[Row], designs: Sequence[str], setting: Setting, verdicts: Sequence[Verdict]
) -> str:
    at = dict(zip(("horizon", "faults", "liquidity"), headline(rows), strict=True))
    said = [
        (
            f"The trades of {escape(setting.flow)} ({setting.seeds} seeds) settle under "
            f"{len(designs)} designs, with the same faults and the same funding rule in every cell."
        )
    ]
    for name, words, unit in (
        ("principal_integral_yen_h", "Principal at risk", "yen·hours"),
        ("liquidity_used_yen", "money needed", "yen"),
        ("finality_p50_h", "time to finality", "hours"),
    ):
        medians = {
            one: found.median
            for one in designs
            if (found := band(row[name] for row in rows_of(rows, design=one, **at))) is not None
        }
        if medians:
            low, high = min(medians.values()), max(medians.values())
            least = ", ".join(one for one in medians if medians[one] == low)
            most = ", ".join(one for one in medians if medians[one] == high)
            said.append(
                f"{words[0].upper()}{words[1:]}: {short(low)} {unit} ({least}) to "
                f"{short(high)} {unit} ({most})."
            )
    counts = [f"{sum(v.word == word for v in verdicts)} {word}" for word in _words(verdicts)]
    said.append(f"Of {len(verdicts)} hypotheses: {', '.join(counts)}.")
    return " ".join(said)


def _unpaid(rows: Sequence[Row], setting: Setting) -> list[str]:
    """Why there are no cells of a design in a kind of money."""
    kinds = list(dict.fromkeys(row["money"] for row in rows))
    designs = setting.designs or list(dict.fromkeys(row["design"] for row in rows))
    lines = "".join(f"<li>{escape(line)}</li>" for line in unpaid(designs, kinds))
    return [f"<p>No cells:</p><ul>{lines}</ul>"] if lines else []


def _audit(rows: Sequence[Row], setting: Setting) -> str:
    """What the auditor said of the logs."""
    if not setting.audited:
        return ""
    found = sum(len(row["findings"]) for row in rows)
    return f" An auditor that shares no code read every event log: {found} findings."


def _words(verdicts: Sequence[Verdict]) -> list[str]:
    present = {verdict.word for verdict in verdicts}
    return [one for one in ("confirmed", "mixed", "refuted", "not run") if one in present]


def _hypotheses(verdicts: Sequence[Verdict]) -> str:
    lines_ = [
        f"<tr><td>{one.key}</td><td>{escape(one.statement)}</td>"
        f'<td class="{one.word.split()[0]}">{one.word}</td>'
        f"<td>{'–' if one.held is None else f'{one.held:.0%} of {one.seeds} seeds'}</td>"
        f"<td>{escape(one.seen)}</td></tr>"
        for one in verdicts
    ]
    return (
        '<table class="text"><thead><tr><th></th><th>Statement</th>'
        "<th>Verdict</th><th>Held in</th><th>Medians seen</th></tr></thead><tbody>"
        f"{''.join(lines_)}</tbody></table>"
        '<p class="note">Confirmed: the order holds, on the same trades, in at least 95% of the '
        "seeds; refuted: in at most half; otherwise mixed. The statements stood before the run; h2 and h3 "
        "were narrowed to T+0 without faults after a trial of it, and h5 holds by construction.</p>"
    )


def _controls(rows: Sequence[Row], first: Slice) -> str:
    boxes = []
    for place, axis in enumerate(("horizon", "faults", "liquidity")):
        options = "".join(
            f'<option value="{value}"{" selected" if value == first[place] else ""}>'
            f"{'T+' if axis == 'horizon' else ''}{value}</option>"
            for value in dict.fromkeys(row[axis] for row in rows)
        )
        boxes.append(f'<label>{axis} <select data-axis="{axis}">{options}</select></label>')
    return f'<p class="controls">{" ".join(boxes)}</p>'


def _table(rows: Sequence[Row], designs: Sequence[str], where: Slice) -> str:
    bands = table(rows_of(rows, horizon=where[0], faults=where[1], liquidity=where[2]))[where]
    head = "".join(f"<th>{escape(one)}</th>" for one in designs)
    body = []
    for group, metrics in groupby(METRICS, key=lambda one: one.group):
        body.append(f'<tr class="group"><th colspan="{len(designs) + 1}">{group}</th></tr>')
        for metric in metrics:
            cells = "".join(
                f"<td>{_cell(bands[metric.name].get(one), metric.name)}</td>" for one in designs
            )
            mark = " †" if metric.by_design else ""
            body.append(
                f'<tr><th title="{escape(metric.how)}">{escape(metric.label)}{mark}'
                f"<i>{_unit(metric.name)}</i></th>{cells}</tr>"
            )
    return (
        f'<table class="figures"><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table>"
    )


def _cell(one: Band | None, name: str) -> str:
    if one is None:
        return "–"
    if one.low == one.median == one.high:
        return _figure(one.median, name)
    return f"{_figure(one.median, name)}<i>{_figure(one.low, name)}–{_figure(one.high, name)}</i>"


def _figure(value: float, name: str) -> str:
    return f"{100 * value:.1f}%" if _unit(name) == "share" else short(value)


def _packed(rows: Sequence[Row], designs: Sequence[str]) -> dict[str, Any]:
    """The cells of every slice as text, for the selectors of the page."""
    known = table(rows)
    return {
        "slices": {
            f"{horizon}|{faults}|{liquidity}": [
                [_cell(by_metric[metric.name].get(one), metric.name) for one in designs]
                for metric in METRICS
            ]
            for (horizon, faults, liquidity), by_metric in known.items()
        }
    }


def _risks(designs: Sequence[str]) -> str:
    head = "".join(f"<th>{escape(one)}</th>" for one in RISKS)
    body = "".join(
        f"<tr><th>{escape(one)}<i>{escape(BY_KEY[one].title)}</i></th>"
        + "".join(f"<td>{escape(word)}</td>" for word in BY_KEY[one].risks)
        + "</tr>"
        for one in designs
    )
    return f'<table class="text small"><thead><tr><th></th>{head}</tr></thead><tbody>{body}</tbody></table>'


def _attribution(rows: Sequence[Row]) -> str:
    sums: dict[tuple[str, str, str, str], list[float]] = {}
    for one in attributed(rows):
        key = (one["design"], one["family"], one["cause"], one["bearer"])
        total = sums.setdefault(key, [0, 0.0, 0.0])
        total[0] += one["cases"]
        total[1] += one["yen"]
        total[2] += one["delay_h"]
    if not sums:
        return "<p>No fault cost anything.</p>"
    ranked = sorted(sums.items(), key=lambda item: (-item[1][1], -item[1][2], item[0]))[:40]
    body = "".join(
        f"<tr><td>{escape(design)}</td><td>{family} {_what(family)}</td><td>{escape(cause)}</td>"
        f"<td>{escape(bearer)}</td><td>{count:,.0f}</td><td>{short(yen)}</td><td>{short(hours)}</td></tr>"
        for (design, family, cause, bearer), (count, yen, hours) in ranked
    )
    more = len(sums) - len(ranked)
    rest = f'<p class="note">{more} smaller lines are in attribution.csv.</p>' if more > 0 else ""
    return (
        '<table class="text"><thead><tr><th>Design</th><th>Fault</th><th>Caused by</th>'
        "<th>Borne by</th><th>Cases</th><th>Yen lost</th><th>Hours of delay</th></tr></thead>"
        f"<tbody>{body}</tbody></table>{rest}"
    )


def _what(family: str) -> str:
    """A family's words."""
    return next((escape(one.what) for one in FAMILIES if one.key == family), "")


def _families(designs: Sequence[str]) -> str:
    head = "".join(f"<th>{escape(one)}</th>" for one in designs)
    body = "".join(
        f"<tr><td>{family.key}</td><td>{escape(family.what)}</td><td>{escape(family.owner)}</td>"
        + "".join(f"<td>{'●' if one in family.designs else '–'}</td>" for one in designs)
        + f"<td>{escape(ACTS_ON[family.key])}</td><td>{escape(WHY_NOT.get(family.key, ''))}</td></tr>"
        for family in FAMILIES
    )
    return (
        '<table class="text small dots"><thead><tr><th></th><th>Family</th><th>Owner</th>'
        f"{head}<th>● acts on</th><th>– does not exist there, because</th></tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )


def _how() -> str:
    body = "".join(
        f"<tr><td>{escape(one.group)}</td><td>{escape(one.label)}{' †' if one.by_design else ''}</td>"
        f"<td><code>{one.name}</code></td><td>{escape(one.how)}</td></tr>"
        for one in METRICS
    )
    return (
        '<table class="text small"><thead><tr><th></th><th>Metric</th><th>Column</th>'
        f"<th>Computed</th></tr></thead><tbody>{body}</tbody></table>"
    )


def _assumptions() -> str:
    docs = dict(
        line.strip().split(": ", 1)
        for line in (Assumed.__doc__ or "").splitlines()
        if line.startswith("        ") and ": " in line
    )
    body = "".join(
        f"<tr><td><code>{field.name}</code></td><td>{escape(str(field.default))}</td>"
        f"<td>{escape(docs.get(field.name, ''))}</td></tr>"
        for field in fields(Assumed)
    )
    return f'<table class="text small"><tbody>{body}</tbody></table>'


def _unit(name: str) -> str:
    for ending, unit in (
        ("_yen_h", "yen·hours"), ("_yen", "yen"), ("_h", "hours"), ("_min", "minutes"),
        ("_minutes", "minutes"), ("_ratio", "times"),
    ):  # fmt: skip
        if name.endswith(ending):
            return unit
    shares = ("_share", "_rate", "_saving", "_efficiency", "_delay", "_automatic", "_in_outage",
              "_error", "_gap")  # fmt: skip
    return "share" if name.endswith(shares) else "number"


def _mean(rows: Sequence[Row], name: str) -> float | None:
    values = [row[name] for row in rows if row[name] is not None]
    return sum(values) / len(values) if values else None


def _listed(rows: Sequence[Row], axis: str, before: str = "") -> str:
    return ", ".join(f"{before}{value}" for value in dict.fromkeys(row[axis] for row in rows))


def _range(one: Band | None) -> str:
    return "–" if one is None else f"{one.low:,.0f} to {one.high:,.0f}, median {one.median:,.0f}"
