"""Durations as people write them: how they may be given, and how they are printed."""

from __future__ import annotations

import math
import re

from autotl.errors import ConfigError

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_PART = re.compile(r"(\d+(?:\.\d+)?)(seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d)")
_CLOCK = re.compile(r"(?:(\d+):)?(\d+):([0-5]?\d)")


def parse_duration(given: str | float, *, name: str = "--budget") -> float:
    """Seconds of a duration: 90, "90", "90s", "1h30m", "1.5 h", "2 minutes", or by the clock "01:30:00" and "1:30".

    name: of the option or argument, for the message. Raises ConfigError.
    """
    if isinstance(given, int | float) and not isinstance(given, bool):
        return _finite(float(given), given, name)
    text = re.sub(r"[\s,]+|\band\b", "", str(given).lower())
    if re.fullmatch(r"\d+(?:\.\d+)?", text):
        return _finite(float(text), given, name)
    if by_clock := _CLOCK.fullmatch(text):
        hours, minutes, seconds = (int(part or 0) for part in by_clock.groups())
        return _finite(hours * 3600.0 + minutes * 60 + seconds, given, name)
    parts = _PART.findall(text)
    units = [unit[0] for _, unit in parts]
    order = sorted(set(units), key=lambda unit: -_SECONDS[unit])
    if not parts or "".join(number + unit for number, unit in parts) != text or units != order:
        raise ConfigError(
            f"{name} {given!r} is not a duration; write a number with s, m or h, such as 90s, 10m, 1h30m or 01:30:00"
        )
    return _finite(sum(float(number) * _SECONDS[unit[0]] for number, unit in parts), given, name)


def _finite(seconds: float, given: object, name: str) -> float:
    if not math.isfinite(seconds):
        raise ConfigError(f"{name} {given!r} is not a duration; leave it out for no limit, or write one such as 10m")
    return seconds


def duration(seconds: float) -> str:
    """Seconds in short: 42s, 3m10s, 2h05m; `parse_duration` reads it again."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
