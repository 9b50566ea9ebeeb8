"""What ``mcp-tui demo`` runs on: bundled MCP servers, their configuration and a guide for newcomers.

``guide``          what to try first; imports nothing, so that the screen can have it early
``configuration``  a complete configuration in a temporary folder that the demo removes again
``servers``        four stdio MCP servers, each a program of its own
``samples``        contents of the files in that folder
"""
