from sqlalchemy import text

from control_plane import ControlPlane


async def test_every_connection_enforces_foreign_keys_and_syncs_what_it_writes_ahead(
    control: ControlPlane,
) -> None:
    async with control.engine.connect() as connection:
        pragmas = [
            await connection.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    full = 2
    assert pragmas == ["wal", full, 1, 5000]
