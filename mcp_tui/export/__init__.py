"""Conversations as files for somebody else: each exporter is a fold of events into text.

``base``           what an exporter is
``exporters``      all of them, by the name of their format
``masking``        results that hold what looks like a key, with it taken out
``account``        what the readable formats tell of a conversation, in words
``marked_up``      Markdown of answers as a tree that nothing can break out of
``markdown``       readable anywhere; ``markdown_text`` writes answers and other outside text into it
``html``           one self-contained page without a script; ``html_text`` writes outside text into it
``events_json``    the events themselves, to be imported again
"""
