"""Pictures of the report: plain SVG text, the same bytes for the same results.

Purpose: panels of median dots with 5-95% bars by design, a frontier of two metrics, and lines over
the levels of an axis. No library draws them, so they stand in one HTML file and print sharp.
Units: as labelled; an axis is logarithmic when the values span a factor of more than LOG_SPAN.
"""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final, NamedTuple

from venue.comparison.summary import Band

LOG_SPAN: Final = 60.0
_GROUPED_FROM: Final = 1_000
_LABEL_PX: Final = (60, 14)
"""A label's width and height, so that labels do not cover each other."""
COLOURS: Final = {
    "A": "#0b6e4f", "A+LSM": "#3aa17e", "B1": "#08415c", "B2": "#1f78b4", "B3": "#5aa0d0",
    "B4": "#8c9fd6", "B4-unsafe": "#7b3fa0", "C2": "#b7791f", "C3": "#e0a840", "C3-ccp": "#8a6d1f", "D-token": "#a4243b", "D-cash": "#d8738a",
}  # fmt: skip
_INK, _FAINT, _GRID = "#1c1c1c", "#6b6b6b", "#e3e3df"
_FONT: Final = "font-family:'Helvetica Neue',Helvetica,Arial,sans-serif"


class Scale(NamedTuple):
    """A value axis in pixels."""

    low: float
    high: float
    from_px: float
    to_px: float
    log: bool
    zero: bool = False
    """Whether its first decade stands for 0."""

    def px(self, value: float) -> float:
        """Where a value lies; what a logarithmic axis cannot show lies at its start."""
        if self.log:
            value = max(value, self.low)
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.from_px + share * (self.to_px - self.from_px)

    def label(self, tick: float) -> str:
        """A tick in words."""
        return "0" if self.zero and tick == self.low else short(tick)

    def ticks(self) -> list[float]:
        """Round values on the axis, few."""
        if self.log:
            first = math.floor(math.log10(self.low) + 1e-9)
            last = math.ceil(math.log10(self.high) - 1e-9)
            every = max(1, (last - first) // 4)
            powers = range(first + (1 if self.zero else 0), last + 1, every)
            return [*([self.low] if self.zero else []), *(10.0**power for power in powers)]
        step = _round_step((self.high - self.low) / 4)
        first = math.ceil(self.low / step - 1e-9)
        return [n * step for n in range(first, math.floor(self.high / step + 1e-9) + 1)]


def scale(values: Sequence[float], from_px: float, to_px: float) -> Scale:
    """An axis that shows all values, from 0 unless logarithmic."""
    positive = [value for value in values if value > 0]
    highest = max(values, default=0.0)
    if positive and min(values) >= 0 and highest / min(positive) > LOG_SPAN:
        zero = min(values) == 0
        low = 10.0 ** (math.floor(math.log10(min(positive))) - (1 if zero else 0))
        high = 10.0 ** math.ceil(math.log10(highest) - 1e-9)
        return Scale(low, high, from_px, to_px, log=True, zero=zero)
    lowest = min(0.0, *values) if values else 0.0
    top = highest if highest > lowest else lowest + 1.0
    return Scale(lowest, top * 1.04 if top > 0 else top, from_px, to_px, log=False)


def short(value: float) -> str:
    """A figure in few signs: 12k, 3.4m, 5.6bn."""
    if value == 0:
        return "0"
    size = abs(value)
    for limit, letter in ((1e12, "tn"), (1e9, "bn"), (1e6, "m"), (1e4, "k")):
        if size >= limit:
            by = 1e3 if letter == "k" else limit
            return f"{value / by:.3g}{letter}"
    return f"{value:,.0f}" if size >= _GROUPED_FROM else f"{value:.3g}"


def panel(title: str, unit: str, bands: Mapping[str, Band | None]) -> str:
    """One metric: a row a design, dot at the median, bar from 5% to 95%."""
    width, left, row, top = 460, 74, 21, 44
    height = top + row * len(bands) + 30
    known = [one for one in bands.values() if one is not None]
    axis = scale([v for one in known for v in (one.low, one.median, one.high)], left, width - 62)
    parts = [_text(0, 15, title, 13, weight=600), _text(0, 31, unit, 11, fill=_FAINT)]
    bottom = top + row * len(bands)
    for tick in axis.ticks():
        x = axis.px(tick)
        parts.append(_line(x, top, x, bottom, _GRID))
        parts.append(_text(x, bottom + 15, axis.label(tick), 10, fill=_FAINT, anchor="middle"))
    for place, (design, one) in enumerate(bands.items()):
        y = top + row * place + row / 2
        parts.append(_text(left - 10, y + 4, design, 11.5, anchor="end"))
        if one is None:
            parts.append(_text(left + 4, y + 4, "–", 11, fill=_FAINT))
            continue
        colour = COLOURS.get(design, _INK)
        parts.append(_line(axis.px(one.low), y, axis.px(one.high), y, colour, 5, 0.35))
        parts.append(_dot(axis.px(one.median), y, 4.2, colour))
        parts.append(_text(width - 54, y + 4, short(one.median), 11, fill=_INK))
    if axis.log:
        parts.append(_text(width, 31, "logarithmic", 10, fill=_FAINT, anchor="end"))
    return _svg(width, height, parts, title)


def frontier(
    title: str, x_label: str, y_label: str, points: Mapping[str, tuple[Band, Band]]
) -> str:
    """Two metrics against each other, a cross of bands a design."""
    width, height, left, top, right, bottom = 940, 430, 70, 40, 40, 52
    xs = scale([v for x, _ in points.values() for v in x[:3]], left, width - right)
    ys = scale([v for _, y in points.values() for v in y[:3]], height - bottom, top)
    parts = [_text(0, 16, title, 14, weight=600)]
    for tick in xs.ticks():
        x = xs.px(tick)
        parts.append(_line(x, top, x, height - bottom, _GRID))
        parts.append(
            _text(x, height - bottom + 17, xs.label(tick), 11, fill=_FAINT, anchor="middle")
        )
    for tick in ys.ticks():
        y = ys.px(tick)
        parts.append(_line(left, y, width - right, y, _GRID))
        parts.append(_text(left - 8, y + 4, ys.label(tick), 11, fill=_FAINT, anchor="end"))
    placed: list[tuple[float, float]] = []
    wide, tall = _LABEL_PX
    for design, (x_band, y_band) in points.items():
        x, y, colour = xs.px(x_band.median), ys.px(y_band.median), COLOURS.get(design, _INK)
        parts.append(_line(xs.px(x_band.low), y, xs.px(x_band.high), y, colour, 2.5, 0.4))
        parts.append(_line(x, ys.px(y_band.low), x, ys.px(y_band.high), colour, 2.5, 0.4))
        parts.append(_dot(x, y, 5, colour))
        label_y = y - 9
        while any(abs(label_y - other) < tall and abs(x - near) < wide for near, other in placed):
            label_y -= tall
        placed.append((x, label_y))
        parts.append(_text(x + 7, label_y, design, 12, fill=colour, weight=600))
    parts.append(_text((left + width - right) / 2, height - 12, x_label, 12, anchor="middle"))
    parts.append(_text(left, top - 8, y_label, 12, fill=_INK))
    return _svg(width, height, parts, title)


def lines(
    title: str, unit: str, levels: Sequence[str], series: Mapping[str, Sequence[float | None]]
) -> str:
    """A metric over the levels of an axis, a line a design."""
    width, left, top, right = 460, 58, 44, 92
    height = 290
    values = [v for one in series.values() for v in one if v is not None]
    axis = scale(values, height - 36, top)
    step = (width - left - right) / max(1, len(levels) - 1)
    parts = [_text(0, 15, title, 13, weight=600), _text(0, 31, unit, 11, fill=_FAINT)]
    for tick in axis.ticks():
        y = axis.px(tick)
        parts.append(_line(left, y, width - right, y, _GRID))
        parts.append(_text(left - 8, y + 4, axis.label(tick), 10, fill=_FAINT, anchor="end"))
    for place, level in enumerate(levels):
        x = left + step * place
        parts.append(_text(x, height - 16, level, 11, fill=_FAINT, anchor="middle"))
    ends: list[tuple[float, str]] = []
    for design, one in series.items():
        colour = COLOURS.get(design, _INK)
        at = [(left + step * n, axis.px(v)) for n, v in enumerate(one) if v is not None]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"/>'
        )
        parts += [_dot(x, y, 3, colour) for x, y in at]
        if at:
            ends.append((at[-1][1], design))
    for y, design in _apart(ends, 12, height - 32):
        parts.append(_text(width - right + 10, y + 4, design, 11, fill=COLOURS.get(design, _INK)))
    return _svg(width, height, parts, title)


def _apart(
    labels: Sequence[tuple[float, str]], gap: float, bottom: float
) -> list[tuple[float, str]]:
    """Labels moved so that they do not cover each other, the lowest at the bottom at most."""
    placed: list[tuple[float, str]] = []
    below = bottom + gap
    for y, word in sorted(labels, reverse=True):
        below = min(y, below - gap)
        placed.append((below, word))
    return placed


def _round_step(raw: float) -> float:
    power = 10.0 ** math.floor(math.log10(raw))
    return next(power * n for n in (1, 2, 5, 10) if power * n >= raw - 1e-12)


def _text(
    x: float, y: float, text: str, size: float, *, fill: str = _INK, anchor: str = "start",
    weight: int = 400,
) -> str:  # fmt: skip
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{fill}" text-anchor="{anchor}" '
        f'font-weight="{weight}">{escape(text)}</text>'
    )


def _line(  # noqa: PLR0917  a line has two ends
    x: float, y: float, to_x: float, to_y: float, colour: str, width: float = 1, opacity: float = 1
) -> str:
    return (
        f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" stroke="{colour}" '
        f'stroke-width="{width}" stroke-opacity="{opacity}" stroke-linecap="round"/>'
    )


def _dot(x: float, y: float, size: float, colour: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size}" fill="{colour}"/>'


def _svg(width: int, height: int, parts: Sequence[str], title: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" style="{_FONT}" role="img" aria-label="{escape(title)}">'
        f"{''.join(parts)}</svg>\n"
    )
