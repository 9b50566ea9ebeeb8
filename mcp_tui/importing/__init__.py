"""Conversations from files that this program did not write into its own store, as events.

``base``      what is read out of a file, and what cannot be
``builder``   messages of any program -> the events of one conversation, with ids that are the same each time
``elements``  the elements of a JSON list, one at a time
``chatgpt``   ChatGPT's ``conversations.json``
``claude``    Claude's ``conversations.json``
``own``       our own JSON export
``files``     which of them a file is, zip files included
"""
