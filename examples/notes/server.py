"""A notebook as an MCP server: mcp 1.x, stdio. Every client gets a process, and so a notebook, of its own."""

import asyncio
import itertools
import random
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

from mcp.server.fastmcp import FastMCP
from pydantic import Field

import mcp_obs

server = FastMCP("notes", log_level="WARNING")

mcp_obs.configure_mcp_telemetry(server_name="notes")
mcp_obs.instrument(server)

disk = random.Random(23)
ids = itertools.count(1)


@dataclass
class Note:
    """One page of the notebook."""

    title: str
    body: str
    tags: list[str] = field(default_factory=list[str])
    locked: bool = False
    id: int = field(default_factory=lambda: next(ids))


notebook: dict[int, Note] = {
    note.id: note
    for note in [
        Note("Roadmap", "Ship the importer, then the search index.", ["work", "planning"], locked=True),
        Note("Retro", "Deploys are calmer since the canary.", ["work"]),
        Note("Bread", "500 g flour, 350 g water, 10 g salt, 100 g starter.", ["recipe"]),
        Note("Reading", "Designing Data-Intensive Applications, chapter 9.", ["book"]),
        Note("Standup", "Yesterday: parser. Today: error messages.", ["work"]),
        Note("Garden", "Prune the roses before the first frost.", ["home"]),
    ]
}


@server.tool()
async def create_note(
    title: Annotated[str, Field(min_length=1)], body: str, tags: list[str] | None = None
) -> dict[str, Any]:
    """Write a new note and return it with its id."""
    await write()
    note = Note(title, body, tags or [])
    notebook[note.id] = note
    return asdict(note)


@server.tool()
async def get_note(note_id: int) -> dict[str, Any]:
    """Read one note."""
    return asdict(find(note_id))


@server.tool()
async def search_notes(query: str, tag: str | None = None) -> list[dict[str, Any]]:
    """Find notes whose title or body contains the query, slowly: every page is read."""
    await asyncio.sleep(disk.uniform(0.02, 0.09))
    return [
        asdict(note)
        for note in notebook.values()
        if query.lower() in f"{note.title} {note.body}".lower() and (tag is None or tag in note.tags)
    ]


@server.tool()
async def append_to_note(note_id: int, text: str) -> dict[str, Any]:
    """Add a paragraph to the end of a note."""
    note = unlocked(note_id)
    await write()
    note.body = f"{note.body}\n\n{text}"
    return asdict(note)


@server.tool()
async def delete_note(note_id: int) -> str:
    """Remove a note for good."""
    note = unlocked(note_id)
    await write()
    del notebook[note_id]
    return f"Deleted {note.title!r}"


@server.tool()
async def summarize_notes(tag: str) -> str:
    """One line for each note with a tag; takes its time."""
    await asyncio.sleep(disk.uniform(0.2, 0.45))
    tagged = [note for note in notebook.values() if tag in note.tags]
    longest = max(len(note.title) for note in tagged)  # an unused tag fails here: a real bug to find
    return "\n".join(f"{note.title:<{longest}}  {note.body.split('.')[0]}" for note in tagged)


@server.resource("notes://index")
def index() -> dict[int, str]:
    """Every note's title by id."""
    return {note.id: note.title for note in notebook.values()}


@server.resource("notes://{note_id}")
def page(note_id: str) -> str:
    """One note as text."""
    return find(int(note_id)).body


@server.prompt()
def weekly_review(focus: str) -> str:
    """Questions to look back on a week."""
    return f"Search my notes about {focus} and write what went well, what did not, and what to try next week."


def find(note_id: int) -> Note:
    """Return a note.

    Raises:
        ValueError: no note has this id.
    """
    if note_id not in notebook:
        raise ValueError(f"There is no note {note_id}")
    return notebook[note_id]


def unlocked(note_id: int) -> Note:
    """Return a note that may be changed.

    Raises:
        PermissionError: the note is locked.
    """
    note = find(note_id)
    if note.locked:
        raise PermissionError(f"{note.title!r} is locked")
    return note


async def write() -> None:
    """Take as long as a disk does."""
    await asyncio.sleep(disk.uniform(0.003, 0.02))


if __name__ == "__main__":
    server.run("stdio")
