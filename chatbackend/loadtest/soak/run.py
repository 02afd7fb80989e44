"""A soak from beginning to end."""

import time
from typing import Any

from chatbackend.loadtest.mixed import run as mixed
from chatbackend.loadtest.mixed.run import MixedPlan
from chatbackend.loadtest.process import Say
from chatbackend.loadtest.soak.flat import judge
from chatbackend.loadtest.soak.samples import Sampler, bound_of


def run(plan: MixedPlan, say: Say) -> dict[str, Any]:
    """`{load: …, series: {name: {verdict, bounds, samples}}}`. Raises what `mixed.run` raises, and TooShortError."""
    began = time.monotonic()
    sampler = Sampler(lambda: time.monotonic() - began)
    load = mixed.run(plan, say, sampler.take)
    return {"load": load, "series": {name: _series(name, taken) for name, taken in sampler.samples.items()}}


def _series(name: str, taken: dict[float, float]) -> dict[str, Any]:
    bound = bound_of(name)
    told = judge(taken, bound)
    return {
        "first_third": told.first,
        "last_third": told.last,
        "ratio": told.ratio,
        "max_ratio": bound.ratio,
        "growth": told.growth,
        "max_growth": bound.growth,
        "slack": bound.slack,
        "flat": told.flat,
        "samples": [[at, value] for at, value in sorted(taken.items())],
    }


def misses(result: dict[str, Any]) -> list[str]:
    """What grew."""
    return [
        f"{name} grew from {told['first_third']:,} to {told['last_third']:,}"
        f" ({told['ratio']:g} times, {told['max_ratio']:g} may be; fitted growth {told['growth']:+.1%},"
        f" {told['max_growth']:.0%} may be)"
        for name, told in result["series"].items()
        if not told["flat"]
    ]
