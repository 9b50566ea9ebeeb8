"""MCP servers: the only room that imports the MCP SDK.

``base``         protocol and values that the engine uses; imports no SDK
``host``         all servers: concurrent start, restart, shutdown, calls

One server:
``connection``   its owner task: state machine, restart, breaker
``wishes``       what the person wants of it; waits that end when that changes
``attempt``      spawn, handshake, first listing in one deadline
``upkeep``       health, changed tools, what it takes (``usage``), end of an open connection
``session``      process, transport and SDK session together
``reports``      status, warnings, log messages
``failures``     why it is not running, in words
``backoff``  ``gate``  ``eras``  ``handshake``

The pipe:
``stdio``        our transport in the SDK's slot, with ``streams``, ``lines`` and ``repair``
``exchange``     frames, progress and deadline of one call
``process``      the program: pipes, standard error, exit, end of its group
``reaper``       a process that ends the groups when the app is gone; ``reaping`` is our side of it
``environment``  what a server is given

Tools:
``listing``      all pages of ``tools/list``
``catalog``      definitions and those set aside; ``names`` are the model's
``schemas``      schemas -> parameters that every provider accepts, over ``references``
``arguments``    values against schemas -> problems by field
``calls``        one call: deadlines, outcome, result
``adapters``     MCP's JSON <-> our content and errors
``recorded``     recorded results instead of servers
"""
