"""Answers without tools: what the script can say by itself."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mcp_tui.gateway.demo.catalogue import Catalogue, label, properties

MAX_LINES = 5_000
DEFAULT_LINES = 120
LABEL = "*Offline demo: this is a script, not an AI.*"

Suggestions = Sequence[tuple[str, str]]
"""Title and prompt of things to try."""

MARKDOWN = '''# Markdown, as it streams

Text can be **bold**, *italic*, `code`, ~~struck~~, or a [link](https://modelcontextprotocol.io).

## A table

| Step | Who acts | What is kept |
|---|---|:--:|
| question | you | yes |
| tool call | the model proposes, *you decide* | yes |
| result | the server | yes |

## Code

```python
from dataclasses import dataclass


@dataclass(frozen=True)
class Greeting:
    """Says hello to somebody."""

    name: str

    def __str__(self) -> str:
        return f"Hello, {self.name}!"


print(Greeting("world"))  # a comment
```

```json
{"tool": "clock.now", "arguments": {"timezone": "Asia/Tokyo"}, "parallel": true}
```

## Lists

1. Lists have numbers
   - and lists inside,
   - with more than one level,
2. and go on.

- [x] A task that is done
- [ ] and one that is not

> A quotation, with *emphasis* inside.

---

Other scripts: 日本語, Ελληνικά, العربية, and combining marks: é, ñ.
'''

_SECTION = '''## Section {number}

Paragraph {number} has a **few** words so that lines wrap, `code` to colour, and *emphasis* to
carry along while the answer streams.

- point {number}.1, short
- point {number}.2, with a little more to say about it

```python
def step_{number}(value: int) -> int:
    """Section {number}."""
    return value + {number}
```
'''


def answer(text: str, tools: Catalogue, suggestions: Suggestions) -> str | None:
    """An answer to a text that asks for something the script can show by itself; ``None`` for anything else."""
    said = text.strip().lower()
    if re.search(r"\bmark ?down\b", said) and not re.search(r"\.md\b", said):
        return MARKDOWN
    if re.search(r"\blong (?:answer|text|reply)\b|\b\d[\d,]* lines\b", said):
        return _long(said)
    if re.search(
        r"\bwhat (?:else )?can you do\b|^\W*(?:help|what else)\b|\b(?:which|what|list) (?:the |all )?tools\b", said
    ):
        return capabilities(tools, suggestions)
    if re.search(r"\b(?:who|what) are you\b|\bare you (?:an? )?(?:ai|real|human|bot)\b", said):
        return f"I am the demo's script: a few hundred lines of rules, **not an AI**.\n\n{_try(suggestions)}"
    if re.fullmatch(r"\W*(?:hi|hello|hey|good (?:morning|evening|day)|thanks?(?: you)?)\b.{0,20}", said):
        return f"Hello. {LABEL}\n\n{_try(suggestions)}"
    return None


def unknown(missing: Sequence[str], suggestions: Suggestions) -> str:
    """The honest answer when there is nothing that the script can do."""
    if missing:
        reasons = "\n".join(f"- {reason}" for reason in missing)
        return f"I could not do that:\n\n{reasons}\n\n{_try(suggestions)}"
    return (
        "I do not understand that. I am a script, **not an AI**: I look for words that fit one of the tools, "
        f"and found none.\n\n{_try(suggestions)}"
    )


def capabilities(tools: Catalogue, suggestions: Suggestions) -> str:
    """What can be done right now: the tools of the running servers, and things to try."""
    rows = [
        f"| `{label(tool.wire_name)}` | {_first_line(tool.description)} | {_takes(properties(tool))} |"
        for tool in tools.tools
    ]
    table = "\n".join(["| Tool | What it does | Takes |", "|---|---|---|", *rows])
    found = (
        f"These tools are offered by the running servers:\n\n{table}" if rows else "No server offers a tool right now."
    )
    explicit = 'You can also name a call yourself: `/call server.tool {"argument": "value"}`.'
    return f"{LABEL}\n\n{found}\n\n{explicit}\n\n{_try(suggestions)}"


def _first_line(text: str) -> str:
    line = next(iter(text.strip().splitlines()), "")
    return line.replace("|", "\\|")


def _takes(names: object) -> str:
    return ", ".join(f"`{name}`" for name in names) if isinstance(names, dict) and names else "nothing"


def _try(suggestions: Suggestions) -> str:
    lines = [f"- {title}: `{prompt}`" for title, prompt in suggestions]
    return "\n".join(["You could try:", "", *lines]) if lines else 'Ask "What can you do?" to see the tools.'


def _long(said: str) -> str:
    match = re.search(r"\b(\d[\d,]*)[ -]lines?\b", said)
    wanted = min(int(match.group(1).replace(",", "")), MAX_LINES) if match else DEFAULT_LINES
    lines = [f"# A long answer of {wanted} lines", ""]
    number = 0
    while len(lines) < wanted:
        number += 1
        lines += [*_SECTION.format(number=number).splitlines(), ""]
    return _closed(lines[:wanted])


def _closed(lines: list[str]) -> str:
    """Lines of Markdown; a code block that the cut left open is ended on the last line."""
    if sum(line.startswith("```") for line in lines) % 2:
        lines[-1] = "```"
    return "\n".join(lines) + "\n"
