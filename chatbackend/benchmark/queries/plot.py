"""The figures of a run as a picture: for each query how long it takes before, after and at its limit."""

import math
from collections.abc import Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape

WAYS = {"before": "a plain Django application", "after": "ours", "limit": "the bare statement"}
NAMES, PLOT, FIGURES = 190, 520, 150  # widths
BAR, GROUP, TOP, BOTTOM = 9, 44, 56, 34  # heights
WIDTH = NAMES + PLOT + FIGURES
_STYLE = """
text{font:12px system-ui,sans-serif;fill:#1f2328}.small{font-size:11px;fill:#57606a}.grid{stroke:#d0d7de}
.before{fill:#c9510c}.after{fill:#0969da}.limit{fill:#8c959f}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.small{fill:#9198a1}.grid{stroke:#3d444d}
.before{fill:#f0883e}.after{fill:#58a6ff}.limit{fill:#6e7681}}"""


def svg(result: Mapping[str, Any]) -> str:
    """An SVG document: p95 on a logarithmic axis in ms, how many times faster, and how it grew with the data."""
    names = list(result["queries"])
    height = TOP + GROUP * len(names) + BOTTOM
    scale = _Scale(result["queries"].values())
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"',
        f' aria-label="p95 of each query over {result["messages"]:,} messages"><style>{_STYLE}</style>',
        *_legend(result),
        *_grid(scale, height),
    ]
    for place, name in enumerate(names):
        parts += _group(name, result, scale, TOP + GROUP * place)
    return "".join([*parts, "</svg>\n"])


class _Scale:
    """From milliseconds to a place on the axis, which begins and ends at a power of ten."""

    def __init__(self, queries: Any) -> None:
        times = [max(query[way]["p95_ms"], 0.001) for query in queries for way in WAYS]
        self.low = math.floor(math.log10(min(times)))
        self.high = max(self.low + 1, math.ceil(math.log10(max(times))))

    def x(self, ms: float) -> float:
        share = (math.log10(max(ms, 10**self.low)) - self.low) / (self.high - self.low)
        return round(NAMES + share * PLOT, 1)

    @property
    def ticks(self) -> list[float]:
        return [10.0**power for power in range(self.low, self.high + 1)]


def _text(x: float, y: float, words: str, *, kind: str = "", anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(words)}</text>'


def _legend(result: Mapping[str, Any]) -> Iterator[str]:
    yield _text(
        NAMES,
        16,
        f"p95 over {result['messages']:,} messages, in ms; the longer the bar, the slower (logarithmic)",
    )
    for place, (way, words) in enumerate(WAYS.items()):
        x = NAMES + place * 180
        yield f'<rect class="{way}" x="{x}" y="26" width="{BAR}" height="{BAR}"/>'
        yield _text(x + BAR + 5, 34, words, kind="small")
    yield _text(NAMES + PLOT + 12, 34, "faster · growth", kind="small")


def _grid(scale: _Scale, height: int) -> Iterator[str]:
    for ms in scale.ticks:
        x, bottom = scale.x(ms), height - BOTTOM + 4
        yield f'<line class="grid" x1="{x}" x2="{x}" y1="{TOP - 8}" y2="{bottom}"/>'
        yield _text(x, bottom + 16, f"{ms:,g}", kind="small", anchor="middle")


def _group(name: str, result: Mapping[str, Any], scale: _Scale, y: int) -> Iterator[str]:
    query, growth = result["queries"][name], result["growth"][name]
    yield _text(NAMES - 10, y + 20, name.replace("_", " "), anchor="end")
    for place, way in enumerate(WAYS):
        ms, top = query[way]["p95_ms"], y + place * (BAR + 2)
        width = round(scale.x(ms) - NAMES, 1)
        yield f'<rect class="{way}" x="{NAMES}" y="{top}" width="{width}" height="{BAR}">'
        yield f"<title>{escape(name)}, {WAYS[way]}: {ms:,.2f} ms</title></rect>"
    yield _text(
        NAMES + PLOT + 12,
        y + 20,
        f"{query['speedup_p95']:,.0f}\N{MULTIPLICATION SIGN} · {growth['ratio']:.2f}",
    )
