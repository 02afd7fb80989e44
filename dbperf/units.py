"""Figures as people read them."""

import re

PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
SIZES = ("bytes", "kB", "MB", "GB", "TB")


def size(value: float) -> str:
    """1536 → '1.5 kB', with 1 kB = 1,024 bytes."""
    unit = 0
    while abs(value) >= 1024 and unit < len(SIZES) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:,.0f} {SIZES[unit]}" if unit == 0 or value >= 100 else f"{value:,.1f} {SIZES[unit]}"


def duration(seconds: float) -> str:
    """90 → '1 min 30 s'."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def share(part: float, whole: float, *, digits: int = 1) -> float:
    """Percent, with one decimal or so many; 0 of nothing."""
    return round(100 * part / whole, digits) if whole else 0.0


def quoted(*names: str) -> str:
    """Identifiers for SQL that people run: `public.t`, quoted where need be."""
    return ".".join(name if PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"' for name in names)
