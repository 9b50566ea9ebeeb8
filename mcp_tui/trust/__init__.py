"""Which servers may start, and which of their tools the model may see.

Trust is per fingerprint of what would be started, never per name; a tool is pinned as it was accepted, and what
changes or appears later is held until the person has looked at it.
"""
