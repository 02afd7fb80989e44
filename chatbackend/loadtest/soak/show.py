"""A soak as a table and as a picture."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from chatbackend import console

BARS = "▁▂▃▄▅▆▇█"
LINE = 10  # bars in a row of the table
LEFT, PLOT, RIGHT, PANEL, TOP = 190, 460, 130, 62, 34
WIDTH = LEFT + PLOT + RIGHT
_STYLE = """
text{font:12px system-ui,sans-serif;fill:#1f2328}.small{font-size:11px;fill:#57606a}.grid{stroke:#d0d7de}
polyline{fill:none;stroke:#0969da;stroke-width:1.2}.grew{stroke:#c9510c}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.small{fill:#9198a1}.grid{stroke:#3d444d}
polyline{stroke:#58a6ff}.grew{stroke:#f0883e}}"""


def table(output: Any, result: Mapping[str, Any]) -> None:
    """One row for each series."""
    rows = [
        (
            name,
            sparks([value for _, value in told["samples"]]),
            f"{told['first_third']:,}",
            f"{told['last_third']:,}",
            f"{told['ratio']:.2f} ≤ {told['max_ratio']:g}",
            f"{told['growth']:+.1%} ≤ {told['max_growth']:.0%}",
            "flat" if told["flat"] else "GREW",
        )
        for name, told in result["series"].items()
    ]
    console.table(output, "", ("", "all the time", "first third", "last third", "ratio", "growth", ""), rows)


def sparks(values: Sequence[float]) -> str:
    """Bars from nothing to the highest: what is flat looks flat."""
    size = max(1, -(-len(values) // LINE))
    means = [sum(part) / len(part) for part in (values[at : at + size] for at in range(0, len(values), size))]
    top = max(means) or 1
    return "".join(BARS[min(len(BARS) - 1, int(mean / top * len(BARS)))] for mean in means)


def svg(result: Mapping[str, Any]) -> str:
    """An SVG document: a panel for each series, from nothing to its highest, over minutes."""
    series = result["series"]
    height = TOP + PANEL * len(series) + 26
    seconds = max(told["samples"][-1][0] for told in series.values())
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"',
        f' aria-label="{seconds / 60:.0f} minutes of load"><style>{_STYLE}</style>',
        _text(
            LEFT,
            18,
            f"{result['load']['users']:,} people for {seconds / 60:.0f} minutes; each axis begins at 0",
        ),
    ]
    for place, (name, told) in enumerate(series.items()):
        parts += _panel(name, told, TOP + PANEL * place, seconds)
    return "".join([*parts, "</svg>\n"])


def _panel(name: str, told: Mapping[str, Any], y: int, seconds: float) -> Iterator[str]:
    bottom, tall = y + PANEL - 12, PANEL - 18
    top = max(value for _, value in told["samples"]) or 1
    points = " ".join(
        f"{LEFT + at / seconds * PLOT:.1f},{bottom - value / top * tall:.1f}" for at, value in told["samples"]
    )
    yield _text(LEFT - 10, y + PANEL // 2, name, anchor="end")
    yield f'<line class="grid" x1="{LEFT}" x2="{LEFT + PLOT}" y1="{bottom}" y2="{bottom}"/>'
    yield f'<polyline class="{"" if told["flat"] else "grew"}" points="{points}"/>'
    yield _text(LEFT + PLOT + 8, bottom - tall + 8, f"{top:,g}", kind="small")
    yield _text(LEFT + PLOT + 8, bottom, f"last / first {told['ratio']:.2f}", kind="small")


def _text(x: float, y: float, words: str, *, kind: str = "", anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(words)}</text>'
