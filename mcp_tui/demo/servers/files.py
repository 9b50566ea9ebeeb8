"""MCP server of the demo: list, read, write and search files inside one folder, given as the only argument."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

from mcp_tui.demo.servers.sandbox import Sandbox, SandboxProblem

MAX_ENTRIES = 200
"""Most entries of one listing."""

READ_ONLY = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False)

RelativePath = Annotated[
    str, Field(min_length=1, max_length=400, description="Path inside the folder, such as notes/todo.md.")
]


class Entry(BaseModel):
    """One file or folder."""

    path: str
    kind: Literal["file", "folder"]
    size: int
    modified: str


class Listing(BaseModel):
    """What a folder holds."""

    folder: str
    entries: list[Entry]
    truncated: bool


class Match(BaseModel):
    """A line that holds the text."""

    path: str
    line: int
    text: str


class Matches(BaseModel):
    """Lines that hold the text, and how many files were looked at."""

    text: str
    files_searched: int
    matches: list[Match]
    truncated: bool


class Written(BaseModel):
    """A file after it was written."""

    path: str
    mode: str
    size: int


def build(folder: Path) -> MCPServer[None]:
    """The server for one folder; nothing outside of it can be reached."""
    sandbox = Sandbox(folder)
    server: MCPServer[None] = MCPServer(
        "files",
        title="Files in a temporary folder",
        instructions="Works on a few sample files in a temporary folder; nothing else can be reached.",
        log_level="WARNING",
    )
    _add_reading(server, sandbox)
    _add_writing(server, sandbox)
    return server


def _add_reading(server: MCPServer[None], sandbox: Sandbox) -> None:
    @server.tool(title="List files", annotations=READ_ONLY)
    def list_files(
        folder: Annotated[str, Field(max_length=400, description="Folder to list; '.' is the whole.")] = ".",
        recursive: Annotated[bool, Field(description="Whether folders inside are listed too.")] = True,
    ) -> Listing:
        """List the files of a folder with their sizes and dates."""
        try:
            found = sandbox.entries(folder, recursive=recursive)
        except SandboxProblem as problem:
            raise ToolError(str(problem)) from None
        entries = [_entry(sandbox, path) for path in found[:MAX_ENTRIES]]
        return Listing(folder=folder, entries=entries, truncated=len(found) > MAX_ENTRIES)

    @server.tool(title="Read a file", annotations=READ_ONLY, structured_output=False)
    def read_file(
        path: RelativePath,
        first_line: Annotated[int, Field(ge=1, description="First line to read.")] = 1,
        max_lines: Annotated[int, Field(ge=1, le=2000, description="How many lines at most.")] = 500,
    ) -> str:
        """Read a text file, or some of its lines."""
        try:
            lines = sandbox.read(path).splitlines(keepends=True)
        except SandboxProblem as problem:
            raise ToolError(str(problem)) from None
        return "".join(lines[first_line - 1 : first_line - 1 + max_lines])

    @server.tool(title="Search files", annotations=READ_ONLY)
    def search_files(
        text: Annotated[str, Field(min_length=1, max_length=200, description="Text to look for.")],
        case: Annotated[Literal["ignore", "match"], Field(description="Whether capitals matter.")] = "ignore",
        max_matches: Annotated[int, Field(ge=1, le=100, description="How many lines at most.")] = 20,
    ) -> Matches:
        """Find the lines of all files that hold a text."""
        files = [path for path in sandbox.entries(".", recursive=True) if path.is_file()]
        found = [
            Match(path=sandbox.name(path), line=number, text=line[:200])
            for path in files
            for number, line in sandbox.lines_with(path, text, match_case=case == "match")
        ]
        return Matches(
            text=text, files_searched=len(files), matches=found[:max_matches], truncated=len(found) > max_matches
        )


def _add_writing(server: MCPServer[None], sandbox: Sandbox) -> None:
    @server.tool(title="Write a file", annotations=WRITES)
    def write_file(
        path: RelativePath,
        content: Annotated[str, Field(max_length=100_000, description="The text to write.")],
        mode: Annotated[
            Literal["create", "overwrite", "append"],
            Field(description="create fails when the file exists; overwrite replaces it; append adds to its end."),
        ] = "create",
    ) -> Written:
        """Create, overwrite or append to a text file."""
        try:
            size = sandbox.write(path, content, mode)
        except SandboxProblem as problem:
            raise ToolError(str(problem)) from None
        return Written(path=path, mode=mode, size=size)


def _entry(sandbox: Sandbox, path: Path) -> Entry:
    facts = path.stat()
    return Entry(
        path=sandbox.name(path),
        kind="folder" if path.is_dir() else "file",
        size=0 if path.is_dir() else facts.st_size,
        modified=datetime.fromtimestamp(facts.st_mtime, UTC).isoformat(sep=" ", timespec="seconds"),
    )


def main() -> int:
    """Serve the folder named on the command line over standard input and output."""
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.stderr.write("usage: python -m mcp_tui.demo.servers.files FOLDER (an existing folder)\n")
        return 2
    build(Path(sys.argv[1])).run("stdio")
    return 0


if __name__ == "__main__":
    sys.exit(main())
