"""Turns, and the facade that drives them; usable with and without a screen.

``engine``      the facade: submit, cancel, decide, ...
``bus``         number, redact, record, fold, publish
``turn``        one turn: hops until done or ``max_tool_hops``
``tool_calls``  validate, permit, run concurrently, finish
"""
