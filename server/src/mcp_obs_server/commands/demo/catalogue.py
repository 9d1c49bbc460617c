"""What clients ask of each example server: real arguments for live calls, a profile for the generated past."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal, NamedTuple

ServerName = Literal["weather", "notes", "shop", "claude-code-mcp"]
Method = Literal["tools/call", "resources/read", "prompts/get"]
Arguments = Mapping[str, object]

OVER_STDIO: frozenset[ServerName] = frozenset({"notes", "claude-code-mcp"})
"""The servers that each client starts for itself."""


class Failure(NamedTuple):
    """The exception behind a failed call."""

    type: str
    message: str


@dataclass(frozen=True)
class Operation:
    """One tool, resource or prompt of an example server."""

    method: Method
    target: str
    weight: int
    """How often it is asked for, beside the server's other operations."""
    median_ms: float
    failures: float
    """The share of calls that fail; real calls fail by their arguments, generated ones by this."""
    failure: Failure | None = None
    """What a generated call fails with."""
    arguments: Callable[[Random], Arguments] = lambda draw: {}
    opens: bool = False
    """Whether a visit begins with it."""


def tool(
    name: str,
    weight: int,
    median_ms: float,
    failures: float,
    failure: Failure,
    arguments: Callable[[Random], Arguments],
    *,
    opens: bool = False,
) -> Operation:
    """A tool of an example server."""
    return Operation("tools/call", name, weight, median_ms, failures, failure, arguments, opens)


WEATHER_ERROR = "mcp.server.mcpserver.exceptions.ToolError"
SHOP_ERROR = "fastmcp.exceptions.ToolError"


CITIES = ("Amsterdam", "Berlin", "Cairo", "Lima", "Lisbon", "Mumbai", "Nairobi", "Oslo", "Sydney", "Tokyo")
ASKED_CITIES = (*CITIES, *CITIES, "Atlantis")
REGIONS = ("europe", "asia", "africa", "oceania")
SKUS = ("TENT-2P", "STOVE-G", "LAMP-H", "BAG-DOWN", "MAT-S", "KNIFE-F")
ORDERS = ("A-1001", "A-1002", "A-1003", "A-1001", "W-0007", "A-9999")
AGENT_ERROR = "claude_code_mcp.errors."
NO_SESSION = Failure(
    f"{AGENT_ERROR}SessionNotFoundError", "There is no session ''; start_session begins one."
)
TASKS = ("Fix the failing tests", "Explain this module", "Write the release notes", "Find the slow query")
FOLLOW_UPS = (*("Now the types", "Shorter, please", "Add a test for it", "Why?") * 3, "fail", "crash")
NOTE_IDS = (1, 2, 3, 4, 5, 6, 404)

CATALOGUE: Mapping[ServerName, tuple[Operation, ...]] = {
    "weather": (
        tool(
            "current_weather",
            40,
            18,
            0.02,
            Failure(WEATHER_ERROR, "Unknown city: Atlantis"),
            lambda draw: {"city": draw.choice(ASKED_CITIES)},
        ),
        tool(
            "forecast",
            22,
            170,
            0.015,
            Failure(WEATHER_ERROR, "Unknown city: El Dorado"),
            lambda draw: {"city": draw.choice(CITIES), "days": draw.choice((2, 3, 5, 7, 10))},
        ),
        tool(
            "air_quality",
            10,
            20,
            0.06,
            Failure("ConnectionError", "station 'Lima' does not answer"),
            lambda draw: {"city": draw.choice(CITIES)},
        ),
        tool(
            "historical_average",
            8,
            290,
            0.01,
            Failure(WEATHER_ERROR, "Unknown city: Atlantis"),
            lambda draw: {"city": draw.choice(CITIES), "month": draw.randint(1, 12)},
        ),
        tool(
            "severe_weather_alerts",
            7,
            12,
            0.03,
            Failure(WEATHER_ERROR, "No alert feed covers oceania"),
            lambda draw: {"region": draw.choice(REGIONS)},
        ),
        tool(
            "compare_cities",
            6,
            55,
            0.02,
            Failure(WEATHER_ERROR, "Unknown city: Atlantis"),
            lambda draw: {"cities": draw.sample(CITIES, 3)},
        ),
        Operation("resources/read", "weather://stations", 4, 3, 0),
        Operation(
            "prompts/get",
            "packing_list",
            2,
            2,
            0,
            arguments=lambda draw: {"city": draw.choice(CITIES), "days": str(draw.randint(2, 9))},
        ),
    ),
    "notes": (
        tool(
            "search_notes",
            34,
            50,
            0.002,
            Failure("OSError", "[Errno 28] No space left on device"),
            lambda draw: {"query": draw.choice(("flour", "deploy", "index", "rose"))},
        ),
        tool(
            "get_note",
            26,
            2,
            0.04,
            Failure("ValueError", "There is no note 404"),
            lambda draw: {"note_id": draw.choice(NOTE_IDS)},
        ),
        tool(
            "create_note",
            14,
            12,
            0.003,
            Failure("OSError", "[Errno 28] No space left on device"),
            lambda draw: {
                "title": f"Idea {draw.randint(1, 99)}",
                "body": "Try it on a small case.",
                "tags": ["idea"],
            },
        ),
        tool(
            "append_to_note",
            9,
            12,
            0.05,
            Failure("PermissionError", "'Roadmap' is locked"),
            lambda draw: {"note_id": draw.choice(NOTE_IDS), "text": "Done; see the log."},
        ),
        tool(
            "summarize_notes",
            8,
            310,
            0.08,
            Failure("ValueError", "max() arg is an empty sequence"),
            lambda draw: {"tag": draw.choice(("work", "work", "recipe", "travel"))},
        ),
        tool(
            "delete_note",
            3,
            11,
            0.12,
            Failure("PermissionError", "'Roadmap' is locked"),
            lambda draw: {"note_id": draw.choice((1, 404))},
        ),
        Operation("resources/read", "notes://index", 4, 2, 0),
        Operation(
            "prompts/get",
            "weekly_review",
            2,
            2,
            0,
            arguments=lambda draw: {"focus": draw.choice(("work", "home"))},
        ),
    ),
    "shop": (
        tool(
            "search_products",
            36,
            48,
            0.004,
            Failure("TimeoutError", "the search index did not answer in time"),
            lambda draw: {"query": draw.choice(("tent", "lamp", "mat", "bag"))},
        ),
        tool(
            "get_product",
            24,
            6,
            0.02,
            Failure(SHOP_ERROR, "Unknown article: BOAT-1"),
            lambda draw: {"sku": draw.choice((*SKUS, *SKUS, "BOAT-1"))},
        ),
        tool(
            "add_to_cart",
            14,
            21,
            0.05,
            Failure(SHOP_ERROR, "Down sleeping bag is out of stock: 0 left"),
            lambda draw: {"sku": draw.choice(SKUS), "quantity": draw.randint(1, 3)},
        ),
        tool(
            "recommend",
            8,
            420,
            0.01,
            Failure("TimeoutError", "the recommendation model did not answer in time"),
            lambda draw: {"sku": draw.choice(SKUS)},
        ),
        tool(
            "order_status",
            8,
            14,
            0.07,
            Failure("TimeoutError", "the old warehouse did not answer in time"),
            lambda draw: {"order_id": draw.choice(ORDERS)},
        ),
        tool(
            "checkout",
            6,
            230,
            0.04,
            Failure("TimeoutError", "the payment provider did not answer in time"),
            lambda draw: {
                "total": draw.randint(900, 60000),
                "payment": draw.choice(("visa", "mastercard", "sepa", "voucher")),
            },
        ),
        Operation("resources/read", "shop://catalogue", 3, 3, 0),
        Operation(
            "prompts/get",
            "gift_ideas",
            1,
            2,
            0,
            arguments=lambda draw: {
                "person": draw.choice(("Ana", "Ben")),
                "budget": str(draw.randint(20, 200)),
            },
        ),
    ),
    "claude-code-mcp": (
        tool(
            "start_session",
            16,
            2100,
            0.02,
            Failure(f"{AGENT_ERROR}AgentSilentError", "The agent said nothing for 30 s."),
            lambda draw: {"prompt": draw.choice(TASKS), "model": draw.choice(("sonnet", "sonnet", "opus"))},
            opens=True,
        ),
        tool(
            "send_message",
            34,
            5200,
            0.06,
            Failure(f"{AGENT_ERROR}AnswerFailedError", "The agent failed: API Error: 529 Overloaded"),
            lambda draw: {"prompt": draw.choice(FOLLOW_UPS)},
        ),
        tool(
            "create_checkpoint",
            12,
            6,
            0.04,
            NO_SESSION,
            lambda draw: {"label": f"try {draw.randint(1, 9)}"},
        ),
        tool(
            "restore_checkpoint",
            6,
            2300,
            0.05,
            Failure(f"{AGENT_ERROR}CheckpointNotFoundError", "There is no checkpoint"),
            lambda draw: {"prompt": draw.choice(TASKS)},
        ),
        tool(
            "list_sessions",
            6,
            4,
            0.001,
            Failure(f"{AGENT_ERROR}StoreError", "sessions can't be read"),
            lambda draw: {},
        ),
        tool(
            "end_session",
            4,
            140,
            0.05,
            NO_SESSION,
            lambda draw: {},
        ),
    ),
}
