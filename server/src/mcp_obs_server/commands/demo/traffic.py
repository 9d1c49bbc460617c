"""What the demo's clients do: one visit is one client's connection to one server."""

from dataclasses import dataclass
from random import Random

from mcp_obs_server.commands.demo.catalogue import CATALOGUE, Arguments, Method, Operation, ServerName
from mcp_obs_server.commands.demo.people import PEOPLE, Person

CHECK_SEED = 20261123
# The check's visits and calls a visit. Over stdio there are few and long ones: each starts a process.
CHECK_VISITS: dict[ServerName, tuple[int, int]] = {
    "weather": (10, 12),
    "notes": (4, 27),
    "shop": (10, 12),
    "claude-code-mcp": (2, 12),
}


@dataclass(frozen=True)
class Call:
    """One thing that a client asks of a server."""

    method: Method
    target: str
    arguments: Arguments


@dataclass(frozen=True)
class Visit:
    """One client's connection to one server and what it asks there, in order."""

    server: ServerName
    person: Person
    version: str
    calls: tuple[Call, ...]


def ask(operation: Operation, draw: Random) -> Call:
    """Draw the arguments of one call."""
    return Call(operation.method, operation.target, operation.arguments(draw))


def draw_calls(server: ServerName, count: int, draw: Random) -> tuple[Call, ...]:
    """Draw what a client asks of a server: what opens a visit, and then popular operations more often."""
    operations = CATALOGUE[server]
    weights = [operation.weight for operation in operations]
    opening = [operation for operation in operations if operation.opens]
    drawn = draw.choices(operations, weights, k=count - len(opening))
    return tuple(ask(operation, draw) for operation in [*opening, *drawn])


def draw_visit(server: ServerName, person: Person, count: int, draw: Random) -> Visit:
    """Draw one visit of a person."""
    return Visit(server, person, draw.choice(person.app.versions), draw_calls(server, count, draw))


def check_plan() -> list[Visit]:
    """The fixed visits of `demo --check`: every operation of every server, then a draw from a fixed seed."""
    draw = Random(CHECK_SEED)  # noqa: S311  the plan is to be the same each time
    plan: list[Visit] = []
    for server, (visits, calls) in CHECK_VISITS.items():
        everything = tuple(ask(operation, draw) for operation in CATALOGUE[server])
        plan.append(Visit(server, PEOPLE[0], PEOPLE[0].app.versions[-1], everything))
        plan += [draw_visit(server, person, calls, draw) for person in PEOPLE[1 : visits + 1]]
    return plan
