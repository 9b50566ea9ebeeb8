"""MCP servers: the only room that imports the MCP SDK.

``base``        protocol and values that the engine uses; imports no SDK
``host``        all servers: concurrent start, restart, shutdown
``connection``  one owner task per server: state machine, reconnect, breaker, health
``stdio``       our transport: pid, exit code, stderr ring, caps, group kill
``reaper``      ends process groups when the app is gone
``catalog``     tools of all servers; qualified names and the way back
``schemas``     MCP tool schemas -> parameters that every provider accepts
``arguments``   arguments against inputSchema -> problems by field
``adapters``    SDK types and errors <-> ours
"""
