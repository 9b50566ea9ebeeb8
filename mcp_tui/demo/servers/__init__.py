"""MCP servers of the demo, started as ``python -m mcp_tui.demo.servers.<name>``.

``files``  list, read, write and search files inside one folder
``clock``  time zones, arithmetic and dates
``slow``   a task that takes as long as asked, reports progress and can be cancelled
``flaky``  fails on demand in several ways
"""
