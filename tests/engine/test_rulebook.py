"""Rules from the file to a call that runs, asks or is denied; proposals and what they would have matched."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from mcp_tui.config.rule_models import RuleEntry
from mcp_tui.config.rules_file import RulesFile
from mcp_tui.engine.engine import Decision
from mcp_tui.errors import UsageError
from mcp_tui.events import tools, turns
from mcp_tui.gateway.base import FinishChunk
from mcp_tui.permissions.guards import HeldSecrets, OwnFiles
from mcp_tui.permissions.rules import Policy
from mcp_tui.safety.secrets import Redactor
from tests.support.scripted import FunctionHost, KeptStore, Recording, ScriptedGateway, calls, running, says
from tests.support.waiting import wait_until_async


async def echo(**arguments: object) -> str:
    return json.dumps(arguments)


def entry(**fields: object) -> RuleEntry:
    return RuleEntry.model_validate({"id": "r", "effect": "allow", "server": "local", "tool": "echo", **fields})


def asks(*arguments: object):
    """A model that asks for one call of ``echo`` after the other, then says something."""
    return ScriptedGateway(*(calls(("local__echo", json.dumps(each))) for each in arguments), says("done"))


async def waiting(engine):
    await wait_until_async(engine.transcript.waiting, what="a waiting call")
    return engine.transcript.waiting()[0]


@pytest.mark.parametrize(("effect", "outcome", "ran"), [("allow", "success", 1), ("deny", "denied", 0)])
async def test_a_rule_decides_without_a_question_and_is_named(effect, outcome, ran):
    host = FunctionHost(echo=echo)
    rules = RulesFile(None, (entry(effect=effect),))
    async with running(asks({"x": 1}), host, rules_file=rules) as engine:
        recording = Recording(engine)
        engine.submit("go")
        await engine.idle()
        await recording.aclose()
        (decided,) = recording.of(tools.ApprovalDecided)
        assert (decided.by, decided.rule_id, decided.action) == ("rule", "r", effect)
        assert recording.of(tools.ApprovalRequested) == []
        assert recording.of(tools.ToolCallFinished)[0].outcome == outcome
        item = engine.transcript.call(decided.call_id)
        assert item.rule_id == "r"
        assert "Rule r decided" in engine.rules.explain(item.key)
        assert f"matches {effect} rule r (it decided)" in engine.rules.explain(item.key)
    assert len(host.ran) == ran


async def test_an_ask_rule_asks_by_its_id_although_an_allow_matches():
    rules = RulesFile(None, (entry(), entry(id="careful", effect="ask", server="*", tool="*")))
    async with running(asks({"x": 1}), FunctionHost(echo=echo), rules_file=rules) as engine:
        engine.submit("go")
        item = await waiting(engine)
        assert "rule careful asks" in item.approval_reason
        assert not item.guarded
        assert engine.rules.propose(item.key) == ()
        engine.decide(item.approval_id, Decision("deny"))
        await engine.idle()


async def test_a_rule_that_is_saved_counts_for_the_next_call(tmp_path: Path):
    host, path = FunctionHost(echo=echo), tmp_path / "permissions.yaml"
    async with running(asks({"x": 1}, {"x": 1}, {"x": 2}), host, rules_file=RulesFile.load(path)) as engine:
        engine.submit("go")
        item = await waiting(engine)
        exact, anything = engine.rules.propose(item.key)
        engine.rules.add(exact)
        assert engine.rules.text(exact) in path.read_text(encoding="utf-8")
        assert engine.decide(item.approval_id, Decision("allow", scope="rule", rule_id=exact.id))
        await wait_until_async(lambda: len(host.ran) == 2, what="the second call, which the rule allows")
        third = await waiting(engine)
        assert third.arguments == {"x": 2}
        assert third.rule_id == ""
        engine.rules.replace(exact.id, anything.model_copy(update={"id": exact.id}))
        engine.decide(third.approval_id, Decision("allow"))
        await engine.idle()
        engine.rules.remove(exact.id)
        assert engine.rules.entries == ()
    assert RulesFile.load(path).entries == ()


async def test_a_proposed_rule_holds_for_the_definition_on_the_card():
    """Catalogue 105: when the tool changes, what was allowed for it counts no more; an accepted change asks again."""
    host = FunctionHost(echo=echo)
    async with running(asks({"x": 1}, {"x": 2}, {"x": 3}), host, rules_file=RulesFile(None)) as engine:
        engine.submit("go")
        item = await waiting(engine)
        anything = engine.rules.propose(item.key)[-1]
        assert anything.definition == item.definition.digest
        engine.rules.add(anything)
        host.version += 1
        first = item.key
        engine.decide(item.approval_id, Decision("deny"))
        await wait_until_async(lambda: engine.transcript.call(first).finished, what="the end of the first call")
        item = await waiting(engine)
        assert item.definition.digest != anything.definition, "offered anew"
        assert item.rule_id == ""
        engine.rules.replace(anything.id, anything.model_copy(update={"definition": item.definition.digest}))
        engine.decide(item.approval_id, Decision("allow"))
        await asyncio.wait_for(engine.idle(), 10)
    assert len(host.ran) == 2


async def test_what_a_proposal_says_it_matches_is_what_it_matches():
    """Proposed from a waiting call, tried on the recorded history, then saved: the same calls, no other."""
    host, store = FunctionHost(echo=echo), KeptStore()
    history = [{"path": "/srv/a/x"}, {"path": "/srv/a/y"}, {"path": "/srv/b"}, {"path": "/srv/a/x", "force": True}, {}]
    async with running(asks(*history), host, store=store, fallback=Policy("allow")) as engine:
        for _ in range(2):
            engine.submit("go")
            await engine.idle()
    async with running(asks({"path": "/srv/a/x"}), host, store=store) as engine:
        engine.submit("go")
        item = await waiting(engine)
        proposed = engine.rules.propose(item.key)
        assert [(e.arguments or {}).get("path") and e.arguments["path"].kind for e in proposed] == [
            "equals", "path_under", None]  # fmt: skip
        before = {e.model_dump_json(): await engine.rules.preview(e) for e in proposed}
        assert [[r.arguments for r in found] for found in before.values()] == [
            [history[0]], [history[1], history[0]], history[::-1]]  # fmt: skip
        for chosen in proposed:
            engine.rules.add(chosen)
            for record in await store.tool_calls():
                if record.decision or record.outcome:
                    verdict = engine.rules.verdict(engine.rules.record_facts(record))
                    assert (verdict is not None) == (record in before[chosen.model_dump_json()])
            engine.rules.remove(chosen.id)
        engine.decide(item.approval_id, Decision("stop"))
        await engine.idle()


async def test_case_118_a_corrupt_file_counts_as_empty_is_kept_and_told(tmp_path: Path):
    path = tmp_path / "permissions.yaml"
    broken = "version: 1\nrules:\n  - {id: a, effect: allow, server: local"
    path.write_text(broken, encoding="utf-8")
    async with running(asks({}), FunctionHost(echo=echo), rules_file=RulesFile.load(path)) as engine:
        assert engine.rules.entries == ()
        assert "permissions.yaml:4" in engine.rules.problem
        engine.submit("go")
        item = await waiting(engine)
        with pytest.raises(UsageError, match="problems"):
            engine.rules.add(entry())
        assert path.read_text(encoding="utf-8") == broken
        path.write_text("version: 1\nrules:\n  - {id: a, effect: allow, server: local}\n", encoding="utf-8")
        assert engine.rules.stale
        engine.rules.reload()
        assert (engine.rules.problem, [e.id for e in engine.rules.entries]) == ("", ["a"])
        engine.decide(item.approval_id, Decision("deny"))
        await engine.idle()


async def test_case_118_the_person_is_told_at_the_start(tmp_path: Path):
    path = tmp_path / "permissions.yaml"
    path.write_text("version: 7\nrules: []\n", encoding="utf-8")
    heard: list[str] = []
    async with running(ScriptedGateway(), rules_file=RulesFile.load(path)) as engine:
        subscription = engine.subscribe()
        await engine.start()
        async with asyncio.timeout(5):
            async for batch in subscription:
                heard += [event.message for event in batch.events if isinstance(event, turns.Notice)]
                if heard:
                    break
    assert "newer release" in heard[0]
    assert "every call asks" in heard[0]


async def test_a_change_by_somebody_else_is_announced_and_counts_after_a_reload(tmp_path: Path):
    path = tmp_path / "permissions.yaml"
    async with running(asks({}), FunctionHost(echo=echo), rules_file=RulesFile.load(path)) as engine:
        recording = Recording(engine)
        engine.rules.add(entry(effect="ask"))
        path.write_text(path.read_text(encoding="utf-8").replace("effect: ask", "effect: deny"), encoding="utf-8")
        engine.submit("go")
        item = await waiting(engine)
        with pytest.raises(UsageError, match="changed by somebody else"):
            engine.rules.remove("r")
        engine.rules.reload()
        engine.decide(item.approval_id, Decision("allow", arguments={"x": 1}))
        await engine.idle()
        await recording.aclose()
        assert ["permissions.yaml" in notice.message for notice in recording.of(turns.Notice)] == [True]
        decided = recording.of(tools.ApprovalDecided)[0]
        assert (decided.action, decided.by, decided.rule_id) == ("deny", "rule", "r"), "edited into a deny rule"


def guards(tmp_path: Path, redactor: Redactor):
    return [OwnFiles(folders=[tmp_path], files=[]), HeldSecrets(redactor)]


async def test_case_116_a_guard_asks_although_a_rule_and_a_grant_allow_and_is_never_remembered(tmp_path: Path):
    rules = RulesFile(None, (entry(),))
    own, redactor = {"path": f"{tmp_path}/trust.json"}, Redactor()
    parts = {"rules_file": rules, "rules": guards(tmp_path, redactor), "redactor": redactor}
    host = FunctionHost(echo=echo)
    async with running(asks(own, own), host, **parts) as engine:
        engine.submit("go")
        first = await waiting(engine)
        assert first.guarded
        assert engine.rules.propose(first.key) == ()
        engine.decide(first.approval_id, Decision("allow", scope="conversation"))
        await wait_until_async(lambda: host.ran, what="the first call")
        second = await waiting(engine)
        assert second.guarded
        assert "allowed once" in first.decision
        engine.decide(second.approval_id, Decision("deny"))
        await engine.idle()


async def test_case_116_a_secret_on_its_way_out_asks(tmp_path: Path):
    redactor = Redactor(["hunter2-hunter2"])
    parts = {"rules_file": RulesFile(None, (entry(),)), "rules": guards(tmp_path, redactor), "redactor": redactor}
    async with running(asks({"deep": [{"k": "x hunter2-hunter2 y"}]}), FunctionHost(echo=echo), **parts) as engine:
        engine.submit("go")
        item = await waiting(engine)
        assert item.guarded
        assert "secret" in item.approval_reason
        engine.decide(item.approval_id, Decision("deny"))
        await engine.idle()


async def test_the_same_call_a_third_time_in_one_turn_asks_and_not_in_the_next_turn():
    host = FunctionHost(echo=echo)
    gateway = ScriptedGateway(
        calls(("local__echo", '{"x": 1}'), ("local__echo", '{"x": 2}'), ("local__echo", '{"x": 1}')),
        calls(("local__echo", '{"x": 1}')),
        says("done"),
        calls(("local__echo", '{"x": 1}')),
        says("done"),
    )
    async with running(gateway, host, rules_file=RulesFile(None, (entry(),))) as engine:
        engine.submit("go")
        item = await waiting(engine)
        assert item.guarded
        assert "3rd time" in item.approval_reason
        assert len(host.ran) == 3
        engine.decide(item.approval_id, Decision("deny"))
        await engine.idle()
        engine.submit("again")
        await engine.idle()
    assert len(host.ran) == 4


async def test_case_72_a_call_of_a_cut_answer_asks_although_a_rule_allows_it():
    cut = [*calls(("local__echo", '{"x": 1}'), ("local__echo", '{"x": 2}'))[:-1], FinishChunk("length")]
    host = FunctionHost(echo=echo)
    async with running(ScriptedGateway(cut, says("done")), host, rules_file=RulesFile(None, (entry(),))) as engine:
        engine.submit("go")
        await wait_until_async(lambda: len(engine.transcript.waiting()) == 2, what="both calls")
        for item in engine.transcript.waiting():
            assert item.guarded
            assert "was cut" in item.approval_reason
            engine.decide(item.approval_id, Decision("deny"))
        await engine.idle()
    assert host.ran == []


@pytest.mark.parametrize("policy", ["deny", "allow"])
async def test_case_117_where_nobody_can_be_asked_nothing_waits(tmp_path: Path, policy):
    redactor = Redactor(["hunter2-hunter2"])
    rules = RulesFile(None, (entry(), entry(id="careful", effect="ask", arguments={"ask": {"equals": True}})))
    parts = {"rules_file": rules, "rules": guards(tmp_path, redactor), "redactor": redactor}
    host = FunctionHost(echo=echo)
    asked = [{"p": f"{tmp_path}/x"}, {"p": "hunter2-hunter2"}, {"ask": True, "more": 1}]
    gateway = ScriptedGateway(
        calls(*(("local__echo", json.dumps(each)) for each in asked)), calls(*[("local__echo", "{}")] * 3), says("done")
    )
    async with running(gateway, host, fallback=Policy(policy), **parts) as engine:
        recording = Recording(engine)
        engine.submit("go")
        async with asyncio.timeout(10):
            await engine.idle()
        await recording.aclose()
        assert recording.of(tools.ApprovalRequested) == []
        denied = [event for event in recording.of(tools.ApprovalDecided) if event.action == "deny"]
        assert len(denied) == (3 if policy == "allow" else 4)
        assert {event.rule_id for event in denied} == {"", "careful"}
    assert [arguments for _, arguments in host.ran] == [{}] * (3 if policy == "allow" else 2)
