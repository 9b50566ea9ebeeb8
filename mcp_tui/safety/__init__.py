"""The one door for text from outside: models, tools, servers, files, pasted text.

``text``     made harmless for a terminal, code point by code point
``secrets``  what must never be shown or logged
"""
