"""The results as one picture: nanoseconds a message on a logarithmic scale, written by hand as SVG."""

from html import escape
from math import ceil, floor, log10
from typing import Final

from peer.tables import Results, figure, in_order, times_limit

_ROW: Final = 22
_LEFT, _WIDTH, _RIGHT, _TOP, _BOTTOM = 170, 560, 130, 54, 34
_OURS: Final = "#b4472f"
_LIMIT: Final = "#6b7280"
_PEERS: Final = "#2f6db4"


def _colour(name: str) -> str:
    if name.startswith("kitahama"):
        return _OURS
    return _LIMIT if name.startswith(("c-", "harness")) else _PEERS


def svg(results: Results, title: str) -> str:
    """Bars, fastest first; grey is a limit, red is this project."""
    names = in_order(results)
    medians = {name: float(results[name]["flow"]["ns"][0]) for name in names}
    low = floor(log10(min(medians.values())))
    high = max(ceil(log10(max(medians.values()))), low + 1)
    height = _TOP + _ROW * len(names) + _BOTTOM

    def x(nanoseconds: float) -> float:
        return _LEFT + _WIDTH * (log10(nanoseconds) - low) / (high - low)

    total = _LEFT + _WIDTH + _RIGHT
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {height}" '
            'font-family="system-ui, sans-serif" font-size="12" role="img">'
        ),
        f"<title>{escape(title)}</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        f'<text x="12" y="22" font-size="15" fill="#111827">{escape(title)}</text>',
        (
            '<text x="12" y="40" fill="#4b5563">nanoseconds a message, logarithmic; left is faster; '
            "grey: limits, red: this project</text>"
        ),
    ]
    for power in range(low, high + 1):
        at = x(10.0**power)
        parts.append(
            f'<line x1="{at:.1f}" y1="{_TOP}" x2="{at:.1f}" y2="{height - _BOTTOM}" stroke="#e5e7eb"/>'
            f'<text x="{at:.1f}" y="{height - 14}" text-anchor="middle" fill="#4b5563">'
            f"{10**power:,}</text>"
        )
    for number, name in enumerate(names):
        y = _TOP + number * _ROW
        ratio = times_limit(results, name)
        label = figure(medians[name]) + ("" if ratio is None else f"  ({ratio:,.1f}×)")
        wide = max(x(medians[name]) - _LEFT, 1.0)
        parts.append(
            f'<text x="{_LEFT - 8}" y="{y + 15}" text-anchor="end" fill="#111827">{escape(name)}</text>'
            f'<rect x="{_LEFT}" y="{y + 3}" width="{wide:.1f}" height="{_ROW - 6}" '
            f'fill="{_colour(name)}"/>'
            f'<text x="{_LEFT + wide + 6:.1f}" y="{y + 15}" fill="#111827">{label}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])
