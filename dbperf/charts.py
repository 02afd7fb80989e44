"""Lines as inline SVG: no script, no style attribute, nothing from elsewhere. Colours come from the style sheet."""

from collections.abc import Sequence
from datetime import datetime

from django.utils.html import format_html
from django.utils.safestring import SafeString

WIDTH, HEIGHT, MARGIN = 560, 110, 16

Point = tuple[datetime, float]


def line(points: Sequence[Point], *, title: str, unit: str = "") -> SafeString:
    """A line from zero up to its peak, with the peak and both ends written beside it; or that there is none."""
    if len(points) < 2:
        return format_html('<p class="dbperf-none">{}: not enough was seen yet.</p>', title)
    peak = max(value for _, value in points)
    label = f"{title}: at most {peak:,.6g}{unit}"
    return format_html(
        '<figure class="dbperf-chart"><figcaption>{}</figcaption>'
        '<svg viewBox="0 0 {} {}" role="img" aria-label="{}"><line class="axis" x1="0" x2="{}" y1="{}" y2="{}"/>'
        '<polyline points="{}"/><text x="0" y="{}">{}</text><text x="{}" y="{}" text-anchor="end">{}</text>'
        "</svg></figure>",
        label,
        WIDTH,
        HEIGHT + MARGIN,
        label,
        WIDTH,
        HEIGHT,
        HEIGHT,
        _path(points, peak or 1.0),
        HEIGHT + MARGIN - 2,
        f"{points[0][0]:%d %b %H:%M}",
        WIDTH,
        HEIGHT + MARGIN - 2,
        f"{points[-1][0]:%d %b %H:%M} UTC",
    )


def _path(points: Sequence[Point], top: float) -> str:
    start, end = points[0][0].timestamp(), points[-1][0].timestamp()
    span = max(end - start, 1.0)
    places = (
        ((moment.timestamp() - start) / span * WIDTH, HEIGHT - value / top * (HEIGHT - 6))
        for moment, value in points
    )
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
