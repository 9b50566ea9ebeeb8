"""Whether a tool call may run.

``base``     decisions and verdicts, the `Rule` protocol
``rules``    the rules of this release
``grants``   what the person allowed for the conversation, folded from its log
``service``  evaluate, ask, resolve: the first answer wins
"""
