"""Values in values: kept whole as deep as protobuf's own reader goes, and refused beyond it, in both encodings."""

import pytest
from inline_snapshot import snapshot

from mcp_obs_server.ingest.admission import admit
from mcp_obs_server.ingest.errors import MalformedExport
from mcp_obs_server.ingest.models import MESSAGE_LENGTH
from mcp_obs_server.ingest.signal import ANY_TIME
from nested_values import PLACES, deep_export, nested

each_encoding = pytest.mark.parametrize("is_json", [False, True], ids=["protobuf", "JSON"])


def is_kept(place: str, levels: int, is_map: bool, is_json: bool) -> bool:
    """Whether all of it is in what will be stored; else the export is refused."""
    signal, _ = PLACES[place]
    try:
        admitted = admit(signal, deep_export(place, levels, is_map, is_json), is_json, ANY_TIME)
    except MalformedExport:
        return False
    assert (admitted.kept, admitted.rejected) == (1, {})
    assert nested(levels, is_map) in admitted.body
    return True


@each_encoding
@pytest.mark.parametrize(
    ("place", "lists", "maps"),
    [
        ("span", 47, 31),
        ("event", 47, 31),
        ("link", 47, 31),
        ("resource", 48, 32),
        ("scope", 47, 31),
        ("record", 47, 31),
        ("body", 48, 32),
        ("metric", 47, 31),
        ("point", 46, 31),
        ("exemplar", 46, 30),
    ],
)
def test_a_value_is_kept_whole_to_the_same_depth_in_both_encodings_and_refused_beyond_it(
    place: str, lists: int, maps: int, is_json: bool
) -> None:
    depths = (*range(60), 99, 100, 101, 1_000, 10_000)
    for is_map, most in ((False, lists), (True, maps)):
        kept = [levels for levels in depths if is_kept(place, levels, is_map, is_json)]
        assert kept == list(range(most + 1))


@each_encoding
@pytest.mark.parametrize("levels", [60, 10_000])
def test_the_reason_is_in_what_is_kept_of_a_refusal(is_json: bool, levels: int) -> None:
    signal, _ = PLACES["span"]
    with pytest.raises(MalformedExport) as refused:
        admit(signal, deep_export("span", levels, False, is_json), is_json, ANY_TIME)
    said = str(refused.value)
    assert len(said) <= MESSAGE_LENGTH
    assert "deep" in said.lower() or "depth" in said.lower()


def test_what_is_too_deep_is_said_with_where_it_begins() -> None:
    signal, _ = PLACES["span"]
    with pytest.raises(MalformedExport) as refused:
        admit(signal, deep_export("span", 60, True, is_json=True), True, ANY_TIME)
    assert str(refused.value) == snapshot(
        "Nested deeper than 100 levels: resourceSpans[0].scopeSpans[0].spans[0].attributes[2].value.kvlistValue."
        "values[0].value.kvlistValue.values[0].value.kvli..."
    )
