"""Configuration: ``config.yaml`` and ``servers_config.json``, validated as a whole.

``models``    config.yaml: every field required, unknown keys refused
``servers``   servers_config.json, in the form that other MCP clients use
``rule_models``  permissions.yaml; ``rule_checks`` what one rule must keep; ``rules_file`` read and written;
              ``rule_edit`` as text whose comments stay; ``globs`` and ``hosts`` what patterns are made of
``loader``    both files and the themes: all problems at once, or everything resolved
``resolved``  what the loader gives
``problems``  what it says otherwise
``paths``     user directories
``themes``    YAML themes; ``theme_data`` is what they become
``init``      `mcp-tui init`; ``report`` is `mcp-tui check`; ``reference`` is the README's table

Behind them: ``source``, ``yaml_source`` and ``json_source`` read a file with the place of every value,
``validate`` and ``words`` say what a model wants, ``references`` knows ``env:NAME`` and ``${NAME}``.
"""
