"""``python -m mcp_tui`` is the same program as ``mcp-tui``."""

import sys

from mcp_tui.cli import main

if __name__ == "__main__":
    sys.exit(main())
