"""Numbers and times as people read them."""

from __future__ import annotations

from datetime import datetime


def count(number: float) -> str:
    """``950``, ``1.2k``, ``128k``, ``3.4M``."""
    if number < 1000:
        return f"{number:.0f}"
    for limit, divisor, suffix in ((999_500, 1000, "k"), (float("inf"), 1_000_000, "M")):
        if number < limit:
            value = number / divisor
            return f"{value:.1f}{suffix}" if value < 99.95 else f"{value:.0f}{suffix}"
    raise AssertionError("unreachable")


def plural(number: int, noun: str) -> str:
    """``1 tool``, ``4 tools``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def seconds(value: float) -> str:
    """``2ms``, ``0.41s``, ``12.0s``, ``3m 05s``."""
    if value < 0.0995:
        return f"{value * 1000:.0f}ms"
    if value < 9.995:
        return f"{value:.2f}s"
    if value < 99.95:
        return f"{value:.1f}s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes}m {rest:02d}s"


def money(dollars: float) -> str:
    """``$0``, ``$0.0004``, ``$0.031``, ``$1.25``."""
    if dollars <= 0:
        return "$0"
    if dollars < 0.01:
        return f"${dollars:.4f}"
    return f"${dollars:.3f}" if dollars < 1 else f"${dollars:.2f}"


def size(octets: float) -> str:
    """``812 B``, ``41.2 kB``, ``16.0 MB``."""
    if octets < 1000:
        return f"{octets:.0f} B"
    return f"{octets / 1000:.1f} kB" if octets < 999_950 else f"{octets / 1_000_000:.1f} MB"


def usage(memory: int | None, share: float | None, least_memory: int = 0, least_share: float = 0.0) -> str:
    """``640.0 MB, 98% CPU``: what is known of both, when one of them is at least as much as given."""
    if (memory is None or memory < least_memory) and (share is None or share < least_share):
        return ""
    parts = [size(memory)] if memory is not None else []
    return ", ".join(parts + ([f"{share:.0%} CPU"] if share is not None else []))


def local_time(at: datetime) -> str:
    """Hours, minutes and seconds on the person's clock."""
    return at.astimezone().strftime("%H:%M:%S")


def local_date(at: datetime) -> str:
    """Day and minute on the person's calendar."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M")
