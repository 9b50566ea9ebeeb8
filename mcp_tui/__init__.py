"""mcp-tui: a terminal chat client in which a person stays in control of MCP tools.

The package map, from the vocabulary outwards (arrows are imports, there are no others):

    cli ──▶ ui ──▶ engine ──▶ gateway | host | permissions | history | export | telemetry
                                  │
                                  ▼
                   conversation | config ──▶ events ──▶ safety | errors

``events``        what can happen, as frozen models; one log of them is the only truth
``conversation``  folds of that log: what a reader sees, what a model is sent, totals
``config``        ``config.yaml`` and ``servers_config.json``, validated as a whole
``gateway``       models, through LiteLLM in a worker process, or the offline demo model
``host``          MCP servers: processes, connections, catalogue of tools, calls
``permissions``   whether a call may run, and the question to the person
``history``       the log on disk, one locked JSONL file per conversation
``engine``        runs turns; the facade that both the app and ``mcp-tui run`` drive
``ui``            the Textual app
``cli``           arguments, wiring of the concrete parts, exit codes

Importing this package imports nothing else: the first paint must not wait.
"""

__version__ = "0.1.0"
