"""Models.  The engine sees only the `ModelGateway` protocol of ``base``.

``base``             protocol, request, chunks
``assembler``        chunks -> text, reasoning, complete tool calls
``retry``            back-off schedule as data
``tokens``           token counts, remembered
``vocabulary``       tiktoken, offline, in the worker
``demo``             the offline demo model; no LiteLLM
``absent``           no model, for work that asks none
``litellm_gateway``  the gateway to real models: requests in, chunks out
``process``          one life of the worker process: start, lines, end
``worker``           the only module that imports LiteLLM; runs as a process of its own
``worker_pipes``     its ends of the pipes
``wire``             lines of JSON between the two
``deltas``           LiteLLM's stream chunks read by shape
``providers``        history and tools normalised per provider
``errors``           one classifier of what went wrong; keys scrubbed
``prices``           what an answer cost
``surrogates``       valid Unicode out of halves of characters
"""
