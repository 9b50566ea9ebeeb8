"""The offline demo model: a script behind the same protocol as every real model (requirement B7).

It is not an AI and says so.  What it does is deterministic: it reads the tools of the request,
plans from the user's words, makes the calls, corrects arguments that were refused, and reports
what the tools really answered.  LiteLLM is not involved, nor is the network.

``model``       the gateway: streaming, usage, finish
``situation``   a request as the script sees it: the user's words, the tools, the hops so far
``catalogue``   the tools of a request, found by name or by what they take
``words``       file names, numbers, expressions, time zones and durations in a text
``recipes``     what the script knows how to do with which kind of tool
``planner``     words -> stages of tool calls
``correction``  refused arguments -> arguments that fit the schema
``outcome``     what a tool message says about how the call ended
``summary``     results -> Markdown
``showcase``    answers without tools
"""

from mcp_tui.gateway.demo.model import DemoGateway

__all__ = ["DemoGateway"]
