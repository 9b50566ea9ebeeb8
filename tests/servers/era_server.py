#!/usr/bin/env python3
"""A small stdio MCP server, standard library only, for the differences between the protocol eras.

    python era_server.py MODE [FILE]

``modern``           2026-07-28, announces changed tools on a subscription; the tool ``add_tool`` changes them
``modern_slow``      the same, three seconds late
``legacy``           2025-11-25; refuses ``server/discover`` as an unknown method
``legacy_refuses``   2025-11-25; refuses what comes before ``initialize`` with the code -32000
``legacy_dies``      2025-11-25; exits on anything but ``initialize`` as the first message
``legacy_silent``    2025-11-25; never answers a method that it does not know
``legacy_wedges``    2025-11-25; reads nothing more after an unknown first message
``legacy_pages``     2025-11-25; seven tools on four pages, one cursor is the empty string
``legacy_asks``      2025-11-25; a tool call asks the client for an elicitation and fails when that is refused
``progress``         2025-11-25; ``work`` reports progress every 0.2 s for ``seconds``; ``quiet`` reports none
``result_first``     2025-11-25; answers a call with ``size`` MB, the id at the end of the line
``legacy_tasks``     2025-11-25; one tool runs only as a task, one is for graphical apps only

FILE, if given, gets a line for every message received, and one for every start.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

MODE = sys.argv[1]
LOG = Path(sys.argv[2]) if len(sys.argv) > 2 else None
MODERN = MODE.startswith("modern")
lock = threading.Lock()
extra_tools: list[dict[str, Any]] = []
subscriptions: list[int | str] = []
answers: dict[str, dict[str, Any]] = {}


def note(text: str) -> None:
    if LOG is not None:
        with LOG.open("a", encoding="utf-8") as file:
            file.write(text + "\n")


def send(message: dict[str, Any]) -> None:
    with lock:
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        sys.stdout.flush()


def reply(request_id: int | str, result: dict[str, Any]) -> None:
    send({"id": request_id, "result": {**result, "resultType": "complete"} if MODERN else result})


def tool(name: str, properties: dict[str, Any] | None = None, **extra: Any) -> dict[str, Any]:
    return {"name": name, "inputSchema": {"type": "object", "properties": properties or {}}, **extra}


def tools() -> list[dict[str, Any]]:
    if MODE == "legacy_tasks":
        return [
            tool("plain"),
            tool("task_only", execution={"taskSupport": "required"}),
            tool("app_only", _meta={"ui": {"visibility": ["app"]}}),
        ]
    if MODE == "progress":
        return [tool("work", {"seconds": {"type": "number"}}), tool("quiet")]
    return [tool("echo", {"x": {"type": "string"}}), tool("add_tool"), *extra_tools]


def list_tools(request_id: int | str, params: dict[str, Any]) -> None:
    if MODE != "legacy_pages":
        reply(request_id, {"tools": tools(), "ttlMs": 0, "cacheScope": "private"} if MODERN else {"tools": tools()})
        return
    pages: dict[str | None, tuple[list[str], str | None]] = {
        None: (["a", "b"], ""),
        "": (["c", "d"], "second"),
        "second": (["e"], "third"),
        "third": (["f", "g"], None),
    }
    names, following = pages[params.get("cursor")]
    result: dict[str, Any] = {"tools": [tool(name) for name in names]}
    if following is not None:
        result["nextCursor"] = following
    reply(request_id, result)


def call(request_id: int | str, params: dict[str, Any]) -> None:
    name, arguments = params["name"], params.get("arguments") or {}
    token = (params.get("_meta") or {}).get("progressToken")
    if name == "add_tool":
        extra_tools.append(tool(f"extra_{len(extra_tools)}"))
        announce()
    elif name == "work":
        end = time.monotonic() + arguments["seconds"]
        step = 0
        while time.monotonic() < end:
            time.sleep(0.2)
            step += 1
            progress = {"progressToken": token, "progress": step, "message": f"step {step}"}
            send({"method": "notifications/progress", "params": progress})
    elif name == "quiet":
        return
    elif MODE == "result_first":
        text = "y" * (arguments["size"] << 20)
        answer = {"result": {"content": [{"type": "text", "text": text, "id": 1}]}, "jsonrpc": "2.0", "id": request_id}
        with lock:
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
        return
    elif MODE == "legacy_asks":
        ask = {"message": "your name?", "requestedSchema": {"type": "object", "properties": {}}}
        send({"id": "ask", "method": "elicitation/create", "params": ask})
        while "ask" not in answers:
            time.sleep(0.01)
        text = json.dumps(answers.pop("ask").get("error"))
        reply(request_id, {"content": [{"type": "text", "text": text}], "isError": True})
        return
    reply(request_id, {"content": [{"type": "text", "text": str(arguments.get("x", "done"))}]})


def announce() -> None:
    if not MODERN:
        send({"method": "notifications/tools/list_changed"})
    for subscription in subscriptions:
        meta = {"io.modelcontextprotocol/subscriptionId": subscription}
        send({"method": "notifications/tools/list_changed", "params": {"_meta": meta}})


def listen(request_id: int | str) -> None:
    subscriptions.append(request_id)
    params = {
        "_meta": {"io.modelcontextprotocol/subscriptionId": request_id},
        "notifications": {"toolsListChanged": True},
    }
    send({"method": "notifications/subscriptions/acknowledged", "params": params})


def opening(request_id: int | str, method: str, params: dict[str, Any]) -> bool:
    capabilities = {"tools": {"listChanged": True}}
    info = {"name": "era", "version": "1"}
    if MODERN and method == "server/discover":
        meta = {"io.modelcontextprotocol/serverInfo": info}
        result = {
            "supportedVersions": ["2026-07-28"],
            "capabilities": capabilities,
            "ttlMs": 0,
            "cacheScope": "private",
        }
        reply(request_id, {**result, "_meta": meta})
        return True
    if not MODERN and method == "initialize":
        reply(request_id, {"protocolVersion": "2025-11-25", "capabilities": capabilities, "serverInfo": info})
        return True
    if MODERN and method == "initialize":
        data = {"supported": ["2026-07-28"], "requested": str(params.get("protocolVersion"))}
        send({"id": request_id, "error": {"code": -32022, "message": "unsupported version", "data": data}})
        return True
    return False


def unknown(request_id: int | str, first: bool) -> None:
    if MODE == "legacy_dies":
        sys.stderr.write("first message must be initialize\n")
        sys.exit(4)
    if MODE == "legacy_wedges" and first:
        while sys.stdin.buffer.read(0) == b"":
            time.sleep(0.5)
    if MODE == "legacy_refuses":
        send({"id": request_id, "error": {"code": -32000, "message": "Bad Request: not initialized"}})
    elif MODE != "legacy_silent":
        send({"id": request_id, "error": {"code": -32601, "message": "Method not found"}})


def main() -> None:
    note("start")
    if MODE == "modern_slow":
        time.sleep(3)
    first = True
    for line in sys.stdin:
        message = json.loads(line)
        method, request_id = message.get("method"), message.get("id")
        note(str(method or "response"))
        params = message.get("params") or {}
        if method is None:
            answers[str(request_id)] = message
        elif request_id is None:
            continue
        elif opening(request_id, method, params):
            pass
        elif method == "tools/list":
            list_tools(request_id, params)
        elif method == "tools/call":
            threading.Thread(target=call, args=(request_id, params), daemon=True).start()
        elif method == "ping":
            reply(request_id, {})
        elif method == "subscriptions/listen" and MODERN:
            listen(request_id)
        else:
            unknown(request_id, first)
        first = False


if __name__ == "__main__":
    main()
