"""The one door for text from outside: models, tools, servers, files, pasted text.

``text``     made harmless for a terminal, code point by code point
``links``    where an address leads
``times``    moments that every clock can show
``secrets``  what must never be shown or logged; ``secret_forms``: the ways in which it may be written
"""
