"""The Textual app: a view over the engine's events and keys that call the engine's facade.

``base_app``     what every screen stands on: colours, keys, safe output, the report of a crash
``chat_app``     the chat screen connected to an engine; the contract with ``cli``
``catalog_app``  choosing among what there is
``app``          the actions behind keys, slash commands and the palette
``view``         draws the chat screen, fed by ``bridge``
``bridge``       the one reader of the engine's events
``live``         what waits and runs right now, folded from live events
``keymap``       every key in one table
``preferences``  what the screen remembers between runs
``slash``        what a slash command is
``commands/``    slash commands, one file each, above the app
``rule_source``  one permission rule as text to edit, and back
``replays``      opening a replay, and what comes of it; as functions over the chat app, which several steps take
``branches``     forking, editing an earlier input, asking again
``reruns``       running recorded calls again
``imports``      taking in conversations from a file
``recordings``   a stored conversation for a replay: a part of it in a moment, then all
``player``       where a replay stands: gone to by hand, or moved by the clock
``shelf``           what is stored, as screens see it with or without an engine
``history_listing`` what the history lists: read again and again, filtered, in order
``history_rows``    its filter, and forks below their originals
``history_words``   what it says where there is no list
``history_search``  its search: the newest question wins, hits come as they are walked to
``screens/``     chat, history, replay, config_error, choosers; trash and export of the history;
                 trust and review (on ``guarded``), rules and rule_editor
``widgets/``     conversation, composer, inspector, server_sidebar, bars; approval and question,
                 whose keys sleep (``waking``)

Modules import at module scope only the standard library, Textual and what imports no pydantic:
the first paint must not wait.
"""
