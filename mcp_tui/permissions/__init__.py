"""Whether a tool call may run.

``base``        decisions and verdicts, the `Rule` protocol
``file_rules``  the rules of ``permissions.yaml``: who, which tool, which arguments, where
``patterns``    one argument against its pattern: narrowly for an allow, widely for a deny or an ask
``readings``    how else a text may be understood: decoded, as paths
``web``         the hosts that a text leads to
``guards``      what always asks: own files, secrets, repeated calls, cut answers
``rules``       the rules of the command line
``grants``      what the person allowed for the conversation, folded from its log
``service``     evaluate, ask, resolve: the first answer wins
"""
