"""Configuration: ``config.yaml`` and ``servers_config.json``, validated as a whole.

``models``   config.yaml: every field required, unknown keys refused
``servers``  servers_config.json, in the form that other MCP clients use
``loader``   the only YAML reader; environment; all problems at once
``themes``   YAML themes
``paths``    user directories
"""
