"""Folds of the event log: pure logic, no I/O.

``items``       what a reader sees, as plain dataclasses (no pydantic: the screen imports it early)
``transcript``  ``apply(event)`` -> which items changed
``call_fold``   what the events of one tool call make of its item
``film``        the same with all steps kept: what a replay goes through
``playback``    a position in it, moved forward and back
``beats``       the time between two events that are played
``comparison``  two results of one call, place by place
``differences`` where two texts or two JSON values differ
``alignment``   which items of two long lists belong together
``places``      places of a result, in the notation in which differences are named
``ignoring``    what a comparison leaves out, as a person writes it
``result_mask`` two results without that
``messages``    what a model is sent, in a form no provider dictates
``context``     transcript -> messages within a token budget
``usage``       token and cost totals
``pace``        long work in a thread beside the screen
"""
