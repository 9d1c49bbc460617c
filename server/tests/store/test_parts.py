from mcp_obs_server.store import TelemetryStore
from otlp_exports import batch, export

_MEBIBYTE = 2**20


async def test_a_large_insert_writes_one_file_for_all_columns(
    embedded_store: TelemetryStore, org_id: int
) -> None:
    large = export(count=64, attributes={"note": "x" * (_MEBIBYTE // 4)})

    embedded_store.insert("traces", batch(org_id, large), f"large-{org_id}")

    parts = await embedded_store.rows(
        "SELECT DISTINCT part_type, data_uncompressed_bytes > {least:UInt64} AS is_large FROM system.parts"
        " WHERE database = currentDatabase() AND table = 'spans' AND name IN"
        " (SELECT _part FROM spans WHERE org_id = {org_id:UInt32})",
        {"org_id": org_id, "least": 10 * _MEBIBYTE},
    )
    assert parts == [{"part_type": "Compact", "is_large": True}]
