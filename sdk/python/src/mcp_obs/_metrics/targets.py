"""Which tools and prompts a server has: a client can ask for any name, and a metric must not have a series for each."""

from collections.abc import Mapping
from typing import Any, cast
from weakref import WeakSet

from mcp_obs import semconv
from mcp_obs._message import mapping_or_empty

OTHER = semconv.METHOD_OTHER
MOST_LEARNED = 2_000

LISTS = {
    "tools/list": ("tools", semconv.GEN_AI_TOOL_NAME),
    "prompts/list": ("prompts", semconv.GEN_AI_PROMPT_NAME),
}
# Where MCPServer (mcp 2.x) and the FastMCPs of mcp 1.x, fastmcp 2.x, 3.x and 4.x keep what they offer, by what key.
_KEPT = {
    semconv.GEN_AI_TOOL_NAME: (
        ("_tool_manager", "_tools", "{}"),
        ("_local_provider", "_components", "tool:{}@"),
    ),
    semconv.GEN_AI_PROMPT_NAME: (
        ("_prompt_manager", "_prompts", "{}"),
        ("_local_provider", "_components", "prompt:{}@"),
    ),
}


class Targets:
    """Learns a name when a server lists it, when a call of it is answered, and by looking into known servers."""

    def __init__(self) -> None:
        self._learned: dict[str, set[str]] = {attribute: set() for attribute in _KEPT}
        self._servers: WeakSet[Any] = WeakSet()

    def look_into(self, server: Any) -> None:
        """Ask this server too."""
        self._servers.add(server)

    def listed(self, method: str, result: Mapping[str, Any]) -> None:
        """Learn from a result as on the wire."""
        if method not in LISTS:
            return
        key, attribute = LISTS[method]
        entries = result.get(key)
        for entry in cast("list[object]", entries) if isinstance(entries, list) else ():
            name = mapping_or_empty(entry).get("name")
            if isinstance(name, str):
                self._learn(attribute, name)

    def known(self, attribute: str, name: str, *, is_answered: bool) -> str:
        """The name itself where a server has it, or else `_OTHER`."""
        if name in self._learned[attribute]:
            return name
        if is_answered or self._is_kept(attribute, name):
            return name if self._learn(attribute, name) else OTHER
        return OTHER

    def _learn(self, attribute: str, name: str) -> bool:
        learned = self._learned[attribute]
        # A server that takes every name must not fill the memory.
        if len(learned) >= MOST_LEARNED and name not in learned:
            return False
        learned.add(name)
        return True

    def _is_kept(self, attribute: str, name: str) -> bool:
        for server in tuple(self._servers):
            for owner, store, key in _KEPT[attribute]:
                kept: object = getattr(getattr(server, owner, None), store, None)
                if isinstance(kept, dict) and key.format(name) in kept:
                    return True
        return False


targets = Targets()
