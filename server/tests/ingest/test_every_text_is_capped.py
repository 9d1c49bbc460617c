"""Every text and every bytes of every signal has a limit: the fields are read from OTLP's own descriptors."""

from collections.abc import Iterator
from typing import Any, cast

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from mcp_obs_server.ingest.caps import MAX_VALUE_BYTES, TRUNCATED
from mcp_obs_server.ingest.signal import Signal
from mcp_obs_server.ingest.signals import SIGNALS

Path = tuple[str, ...]

# Admission refuses a span whose ids have another length, and references to entities are not stored.
ELSEWHERE = {"spans.trace_id", "spans.span_id"}
NOT_STORED = "entity_refs"


def texts(message: Descriptor, above: tuple[Descriptor, ...] = ()) -> Iterator[Path]:
    """Where texts and bytes are; what contains itself is followed once."""
    for field in message.fields:
        if field.name == NOT_STORED:
            continue
        if field.type in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES):
            yield (field.name,)
        elif field.message_type is not None and above.count(field.message_type) < 2:
            for path in texts(field.message_type, (*above, message)):
                yield (field.name, *path)


def filled(message: Message, path: Path) -> None:
    """Put far too much there."""
    node: Any = message
    for name in path[:-1]:
        child = getattr(node, name)
        node = child.add() if node.DESCRIPTOR.fields_by_name[name].is_repeated else child
    field = node.DESCRIPTOR.fields_by_name[path[-1]]
    value = "x" * 1_000_000 if field.type == FieldDescriptor.TYPE_STRING else bytes(1_000_000)
    if field.is_repeated:
        getattr(node, path[-1]).append(value)
    else:
        setattr(node, path[-1], value)


CASES = [
    pytest.param(signal, path, id=f"{signal.name}: {'.'.join(path)}")
    for signal in SIGNALS
    for path in texts(cast("Descriptor", signal.request.DESCRIPTOR))
    if ".".join(path[-2:]) not in ELSEWHERE
]


@pytest.mark.parametrize(("signal", "path"), CASES)
def test_a_megabyte_anywhere_is_cut_and_named(signal: Signal, path: Path) -> None:
    request = signal.request()
    filled(request, path)
    assert signal.cap(request, request.SerializeToString())
    cut = request.SerializeToString()
    assert len(cut) < MAX_VALUE_BYTES + 1000
    assert TRUNCATED.encode() in cut


def test_the_fields_are_found() -> None:
    assert len(CASES) > 100
