"""Whether arguments and results are too large to be held, by few looks: it is asked on the path of every operation."""

from typing import Any

from mcp_obs._message import LIST, PLAIN

LARGE_TEXT = 2**16
_LOOKED_AT = 16
# Of all that is inside: most calls have nothing there, 10 rows of two take 5 µs, and the most is 15 µs.
_LOOKED_AT_INSIDE = 64
# About what a value takes that is in a list or an object: a small object has 64 to 200 bytes.
_BYTES_EACH = 128
_MOST_BLOCKS = LARGE_TEXT // _BYTES_EACH

_CONTAINERS: Any = (dict, list)


def is_large(value: Any, looks_inside: bool = True) -> bool:
    """Goes by its length, the lengths of what is on its top, and of some of what is inside that."""
    if isinstance(value, PLAIN):
        # In one step: its handler may go on to change it.
        top = list(value.values())
    elif isinstance(value, LIST):
        top = value
    else:
        return isinstance(value, str) and len(value) > LARGE_TEXT
    size = len(top) * _BYTES_EACH
    inside: list[Any] | None = None
    for each in top[:_LOOKED_AT]:
        if isinstance(each, str):
            size += len(each)
        elif isinstance(each, _CONTAINERS) and each:
            size += len(each) * _BYTES_EACH
            inside = [*inside, each] if inside else [each]
    if inside is None or size > LARGE_TEXT:
        return size > LARGE_TEXT
    return looks_inside and _is_more_inside(inside, LARGE_TEXT - size)


def are_large(blocks: Any) -> bool:
    """The same for a result's blocks, most of which are one text."""
    if not isinstance(blocks, LIST):
        return False
    size = 0
    inside: list[Any] | None = None
    for block in blocks[:_LOOKED_AT]:
        if isinstance(block, PLAIN):
            text = block.get("text") or block.get("data") or block.get("blob")
            if isinstance(text, str):
                size += len(text)
            else:
                # A resource in it, or a prompt's message.
                inside = [*inside, block] if inside else [block]
    if inside is None:
        return size > LARGE_TEXT or len(blocks) > _MOST_BLOCKS
    return _is_more_inside(inside, LARGE_TEXT - size - len(blocks) * _BYTES_EACH)


def _is_more_inside(containers: list[Any], room: int) -> bool:
    """Level by level, so that what is large near the top is found first."""
    left = _LOOKED_AT_INSIDE
    # It grows meanwhile.
    for container in containers:
        members = (list(container.values()) if isinstance(container, PLAIN) else container)[:_LOOKED_AT]
        for each in members:
            kind = each.__class__
            if kind is str:
                room -= len(each)
            elif kind in _CONTAINERS and each:
                room -= len(each) * _BYTES_EACH
                containers.append(each)
        left -= len(members)
        if room < 0 or left <= 0:
            break
    return room < 0
