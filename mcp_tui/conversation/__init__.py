"""Folds of the event log: pure logic, no I/O.

``items``       what a reader sees, as plain dataclasses (no pydantic: the screen imports it early)
``transcript``  ``apply(event)`` -> which items changed
``playback``    the same, at every position between two events, forward and back
``comparison``  two results of one call, place by place
``differences`` where two texts or two JSON values differ
``messages``    what a model is sent, in a form no provider dictates
``context``     transcript -> messages within a token budget
``usage``       token and cost totals
``pace``        long work in a thread beside the screen
"""
