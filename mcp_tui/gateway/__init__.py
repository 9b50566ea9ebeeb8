"""Models.  The engine sees only the `ModelGateway` protocol of ``base``.

``base``             protocol, request, chunks
``assembler``        chunks -> text, reasoning, complete tool calls
``retry``            back-off schedule as data
``tokens``           token counting, offline
``demo``             the offline demo model; no LiteLLM
``litellm_gateway``  owner of the worker process: start, speak, restart, cancel
``worker``           the only module that imports LiteLLM; runs as a process of its own
``providers``        history and tools normalised per provider
``errors``           one classifier of what went wrong; keys scrubbed
"""
