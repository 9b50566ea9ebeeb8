"""Turns, and the facade that drives them; usable with and without a screen.

``engine``         the facade: submit, cancel, decide, ...
``parts``          what it is built from
``opening``        opening a conversation: its end first, then all of it, read-only and why
``work_queue``     what waits, what runs, stopping it, giving it back
``approvals``      the person's answers to calls that wait
``model_choice``   the models that can answer, and the one that does
``background``     tasks that nobody waits for
``other_windows``  the open conversation as others go on with it
``bus``            number, redact, record, fold, publish
``contents``       a conversation in memory: what was recorded, and the folds of it
``subscription``   what one reader of the stream has not taken yet
``turn_life``      the life of a turn: taken up once, its one end on every path
``turn``           one turn of a model: hops until done or ``max_tool_hops``
``rerun``          a recorded call again: a turn without a model
``verification``   all calls of a conversation again
``availability``   why a tool that was there cannot be called now
``answer``         one model request: stream, retries, fragments
``proposals``      rules that would allow a call like a given one
``tool_calls``     the calls of an answer: validate, permit, run concurrently
``call``           one of them on its way
``call_decision``  whether it may run: rules, else the person
``call_ends``      its one end, in the log and for the model
``assessment``     a waiting call beside the earlier ones of its tool
``unusual``        what is unusual about its arguments
``limits``         rounds of tools and money after which the person is asked
``questions``      questions of a guard: recorded, answered once
``history``        the stored conversations: list, read, rename, tag
``forking``        the events of a fork
``exchange``       conversations into files, and out of files
``rulebook``       the rules of ``permissions.yaml`` for a screen: list, propose, preview, save, explain
``trust_desk``     servers that wait to be accepted, tools that are held
``results``        a tool result as the model is given it
``recovery``       the ends that a log lacks
``redaction``      events without secrets
``services``       the parts that a turn works with
``shielded``       closing work that a cancellation must not cut short
"""
