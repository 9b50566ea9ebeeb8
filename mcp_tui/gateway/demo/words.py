"""What can be read out of the user's words without understanding them."""

from __future__ import annotations

import re

_QUOTED = re.compile(r"\"([^\"]*)\"|“([^”]*)”|`([^`]*)`|(?<!\w)'([^']*)'(?!\w)")
_PROTECTED = re.compile(
    r"\"[^\"]*\"|“[^”]*”|`[^`]*`|(?<!\w)'[^']*'(?!\w)|\([^()]*(?:\([^()]*\)[^()]*)*\)|\bbetween\s+\S+\s+and\s+\S+",
    re.IGNORECASE,
)
_THEN = re.compile(r"[,;.]?\s+(?:and\s+)?(?:then|after that|afterwards),?\s+", re.IGNORECASE)
_AND = re.compile(r"\s*(?:[,;.?!]\s+(?:(?:and|also)\s+)*|\s(?:and|also|as well as)\s+|\n+)", re.IGNORECASE)
_FILE = re.compile(r"(?<![\w/.-])(?:\.{0,2}/)*(?:[\w.-]+/)*[\w-]+\.[A-Za-z]\w{0,7}\b(?!\()")
_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
_ZONE = re.compile(r"\b[A-Z][A-Za-z_]+(?:/[A-Z][A-Za-z_+-]+){1,2}\d*\b")
_DURATION = re.compile(r"\b(\d+(?:\.\d+)?)\s*(seconds?|secs?|s|minutes?|mins?)\b", re.IGNORECASE)
_PIECE = r"(?:sqrt|sin|cos|tan|log10|log|exp|abs|round|floor|ceil|min|max|pi|tau|\d+(?:\.\d+)?|\*\*|//|[-+*/%(),.\s])"
_EXPRESSION = re.compile(rf"(?<![\w.]){_PIECE}+(?![\w])", re.IGNORECASE)
_OPERATION = re.compile(r"[\d)]\s*(?:\*\*|//|[-+*/%])\s*[-+]?\s*[\d(a-z]|[a-z]\w*\s*\(", re.IGNORECASE)

_SPOKEN = (
    (re.compile(r"(\d+(?:\.\d+)?)\s*(?:%|percent)\s+of\s+(\d+(?:\.\d+)?)", re.I), r"(\1 / 100) * \2"),
    (re.compile(r"\b(?:the )?square root of\s+(\d+(?:\.\d+)?)", re.I), r"sqrt(\1)"),
    (re.compile(r"(?<=\d),(?=\d{3}\b)"), ""),
    (re.compile(r"\s+(?:times|multiplied by)\s+|\s*[×·]\s*", re.I), " * "),
    (re.compile(r"(?<=\d)\s*x\s*(?=\d)"), " * "),
    (re.compile(r"\s+divided by\s+|\s*÷\s*", re.I), " / "),
    (re.compile(r"(?<=[\d)])\s+plus\s+", re.I), " + "),
    (re.compile(r"(?<=[\d)])\s+minus\s+", re.I), " - "),
    (re.compile(r"\s*\^\s*|\s+to the power of\s+", re.I), " ** "),
    (re.compile(r"(?<=[\d)])\s+squared\b", re.I), " ** 2"),
)

NUMBER_WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "twelve": 12, "twenty": 20,
}  # fmt: skip
"""Numbers that people write as words."""

_CITIES = {
    "amsterdam": "Europe/Amsterdam", "athens": "Europe/Athens", "auckland": "Pacific/Auckland",
    "bangkok": "Asia/Bangkok", "beijing": "Asia/Shanghai", "berlin": "Europe/Berlin", "cairo": "Africa/Cairo",
    "chicago": "America/Chicago", "delhi": "Asia/Kolkata", "dubai": "Asia/Dubai", "gmt": "UTC",
    "hong kong": "Asia/Hong_Kong", "istanbul": "Europe/Istanbul", "johannesburg": "Africa/Johannesburg",
    "lagos": "Africa/Lagos", "lisbon": "Europe/Lisbon", "london": "Europe/London", "los angeles": "America/Los_Angeles",
    "madrid": "Europe/Madrid", "mexico city": "America/Mexico_City", "mumbai": "Asia/Kolkata",
    "nairobi": "Africa/Nairobi", "new york": "America/New_York", "oslo": "Europe/Oslo", "paris": "Europe/Paris",
    "rome": "Europe/Rome", "san francisco": "America/Los_Angeles", "sao paulo": "America/Sao_Paulo",
    "seoul": "Asia/Seoul", "shanghai": "Asia/Shanghai", "singapore": "Asia/Singapore",
    "stockholm": "Europe/Stockholm", "sydney": "Australia/Sydney", "tokyo": "Asia/Tokyo", "toronto": "America/Toronto",
    "utc": "UTC", "vienna": "Europe/Vienna", "warsaw": "Europe/Warsaw", "zurich": "Europe/Zurich",
}  # fmt: skip
_CITY = re.compile(r"\b(" + "|".join(sorted(_CITIES, key=len, reverse=True)) + r")\b", re.IGNORECASE)


def stages(text: str) -> list[str]:
    """Parts of the text that come one after the other ("..., then ...")."""
    return _split(text, _THEN)


def clauses(text: str) -> list[str]:
    """Parts of the text that stand side by side; quotes, parentheses and "between a and b" stay whole."""
    return _split(text, _AND)


def _split(text: str, separator: re.Pattern[str]) -> list[str]:
    whole = [match.span() for match in _PROTECTED.finditer(text)]
    parts, begin = [], 0
    for match in separator.finditer(text):
        if not any(start < match.end() and match.start() < end for start, end in whole):
            parts.append(text[begin : match.start()])
            begin = match.end()
    parts.append(text[begin:])
    return [part.strip() for part in parts if part.strip()]


def quoted(text: str) -> list[str]:
    """Texts between quotation marks or backticks."""
    return [next(group for group in match.groups() if group is not None) for match in _QUOTED.finditer(text)]


def without_quotes(text: str) -> str:
    """The text with everything quoted taken out."""
    return _QUOTED.sub(" ", text)


def file_names(text: str) -> list[str]:
    """Names and paths of files, such as ``notes/todo.md``, each once."""
    return list(dict.fromkeys(match.group() for match in _FILE.finditer(text)))


def dates(text: str) -> list[str]:
    """Dates written as YYYY-MM-DD."""
    return _DATE.findall(text)


def time_zones(text: str) -> list[str]:
    """IANA names of the zones and big cities in the text, each once, in order."""
    found = [(match.start(), match.group()) for match in _ZONE.finditer(text)]
    found += [(match.start(), _CITIES[match.group().lower()]) for match in _CITY.finditer(_ZONE.sub(_blank, text))]
    return list(dict.fromkeys(name for _, name in sorted(found)))


def _blank(match: re.Match[str]) -> str:
    return " " * len(match.group())


def seconds(text: str) -> float | None:
    """The first duration in the text, in seconds."""
    match = _DURATION.search(text)
    if match is None:
        return 30.0 if re.search(r"\bhalf a minute\b", text, re.I) else None
    number = float(match.group(1))
    return number * 60 if match.group(2).lower().startswith("m") else number


def number_before(text: str, noun: str) -> int | None:
    """The number in front of a noun (a pattern), in digits or as a word."""
    match = re.search(rf"\b(\d+|{'|'.join(NUMBER_WORDS)})\s+(?:{noun})\b", text, re.IGNORECASE)
    if match is None:
        return None
    word = match.group(1).lower()
    return int(word) if word.isdigit() else NUMBER_WORDS[word]


def expression(text: str) -> str | None:
    """The longest arithmetic expression in the text; spoken operators count ("15% of 80", "3 times 4")."""
    spoken = _DATE.sub(" ; ", text)
    for pattern, replacement in _SPOKEN:
        spoken = pattern.sub(replacement, spoken)
    found = [match.group().strip(" ,.\n\t") for match in _EXPRESSION.finditer(spoken)]
    return max((one for one in found if _OPERATION.search(one) and _balanced(one)), key=len, default=None)


def _balanced(text: str) -> bool:
    depth = 0
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0:
            return False
    return depth == 0
