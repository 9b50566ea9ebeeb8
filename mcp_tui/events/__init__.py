"""The vocabulary: everything that can happen, as frozen models (pydantic only).

``base``     what every event shares, identifiers, errors as values
``content``  parts of messages and results
``turns``    conversations, turns, messages, model requests
``tools``    tool definitions, calls, approvals
``servers``  server states
``codec``    to JSON and back
"""
