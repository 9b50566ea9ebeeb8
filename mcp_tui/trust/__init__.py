"""Which servers may start, and which of their tools the model may see.

Trust is per fingerprint of what would be started, never per name; a tool is pinned as it was accepted, and what
changes or appears later is held until the person has looked at it.

``keeper``       the host's gatekeeper: decides, and takes the person's answers
``fingerprint``  what exactly would be started, as one value; the key of its hashes
``warnings``     what deserves a second look in a command line
``pins``         what was accepted of a server and its tools
``hidden``       characters that a reader would not see
``diff``         what changed in a definition, field by field, word by word
``store``        ``trust.json``: locked, replaced as a whole, kept aside when it cannot be relied on
"""
