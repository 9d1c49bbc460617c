"""What a running server refuses because its environment says so."""

import time
from pathlib import Path

import httpx2
import pytest

from otlp_exports import SECOND, export
from server_process import new_key, running

BODY = export(20, start=time.time_ns() - 60 * SECOND).SerializeToString()
SIZE = len(BODY)


@pytest.mark.parametrize(
    ("setting", "value", "statuses", "why"),
    [
        ("MCP_OBS_MAX_BODY_BYTES", SIZE - 1, [413, 413], f"The body is over {SIZE - 1} bytes"),
        ("MCP_OBS_MAX_IN_FLIGHT_BYTES", 2 * SIZE - 2, [413, 413], f"The export is over {SIZE - 1} bytes"),
        # In the spool an export has a frame around it.
        ("MCP_OBS_SPOOL_MAX_BYTES", 2 * SIZE, [413, 413], f"The export is over {SIZE} bytes"),
        ("MCP_OBS_KEY_BYTES_PER_SECOND", SIZE // 10 + 1, [200, 429], "bytes a second: try again"),
        ("MCP_OBS_ORG_BYTES_PER_DAY", SIZE + SIZE // 2, [200, 429], "bytes a day"),
    ],
    ids=["body", "in flight", "spool", "a key's rate", "an organisation's day"],
)
def test_a_limit_that_is_set_holds_and_the_answer_says_which(
    tmp_path: Path, setting: str, value: int, statuses: list[int], why: str
) -> None:
    with running(tmp_path, 0, **{setting: str(value)}) as server:
        headers = {
            "authorization": f"Bearer {new_key(server, tmp_path)}",
            "content-type": "application/x-protobuf",
        }
        with httpx2.Client(base_url=server.url, headers=headers, timeout=60) as client:
            answers = [client.post("/v1/traces", content=BODY) for _ in statuses]
    assert [answer.status_code for answer in answers] == statuses
    assert why in answers[-1].text
