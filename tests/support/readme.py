"""The generated parts of README.md: key table, configuration reference, screenshot.

    python -m tests.support.readme      write them anew

The screenshot is the program's own: the demo, asked something, with the approval card open.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from pathlib import Path

from mcp_tui.cli.options import Options
from mcp_tui.config.reference import reference_markdown
from mcp_tui.ui.keymap import keys_markdown

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
SCREENSHOT = ROOT / ".github" / "screenshot.svg"
SIZE = (112, 34)
QUESTION = "Read notes/meeting.txt and search for tea"


def sections() -> dict[str, str]:
    """Name of each generated part and its text."""
    return {"keys": keys_markdown().strip(), "configuration": reference_markdown().strip()}


def with_sections(text: str) -> str:
    """README's text with every generated part as it should be."""
    for name, body in sections().items():
        pattern = re.compile(f"<!-- {name} -->.*?<!-- /{name} -->", re.DOTALL)
        text, count = pattern.subn(lambda _, name=name, body=body: f"<!-- {name} -->\n{body}\n<!-- /{name} -->", text)
        assert count == 1, name
    return text


async def take_screenshot(path: Path) -> None:
    """Run the demo without a terminal, ask, wait for the card, and save what the screen shows."""
    from mcp_tui.cli.app import AppSession, make_app
    from mcp_tui.ui.preferences import Preferences
    from tests.support.waiting import wait_until_async

    preferences = Preferences()
    app = make_app(preferences)
    session = AppSession(app, Options(command="demo", demo=True), preferences)
    async with app.run_test(size=SIZE) as pilot:
        try:
            await session.boot()
            await wait_until_async(lambda: all(server.state == "running" for server in app.engine.servers))
            await pilot.press(*QUESTION, "enter")
            await wait_until_async(lambda: app.engine.transcript.waiting())
            await pilot.press("ctrl+o", "a")
            await asyncio.sleep(1.5)
            await pilot.pause()
            svg = app.export_screenshot(title="mcp-tui demo")
            path.write_text(_without_remote_fonts(svg), encoding="utf-8")
        finally:
            await session.aclose()


def _without_remote_fonts(svg: str) -> str:
    """A picture that fetches nothing: the reader's own monospace font is used."""
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    return svg.replace("Fira Code", "Fira Code, Menlo, DejaVu Sans Mono, Consolas")


def main() -> None:
    """Write the parts into README.md and the screenshot beside it."""
    import os

    README.write_text(with_sections(README.read_text(encoding="utf-8")), encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MCP_TUI_DATA_DIR"] = folder
        asyncio.run(take_screenshot(SCREENSHOT))


if __name__ == "__main__":
    main()
