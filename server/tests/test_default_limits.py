"""What a server that nobody has set up takes."""

import gzip
import time
from pathlib import Path

import grpc
import httpx2

from grpc_client import Failed, call
from otlp_exports import SECOND, export
from server_process import grpc_address, new_key, running

MIB = 2**20


def of_size(size: int, seed: int) -> bytes:
    """gzip of an export of one span that inflates to exactly so many bytes."""

    def body(text: int) -> bytes:
        start = time.time_ns() // SECOND * SECOND - 60 * SECOND
        return export(1, seed, start=start, attributes={"long": "x" * text}).SerializeToString()

    # Lengths of this size all take as many bytes, so what is around the text is the same.
    inflated = body(2 * size - len(body(size)))
    assert len(inflated) == size
    return gzip.compress(inflated, 1)


async def test_64_mib_inflated_are_kept_by_default_and_one_byte_more_is_refused_over_http_and_grpc(
    tmp_path: Path,
) -> None:
    largest, larger = of_size(64 * MIB, 1), of_size(64 * MIB + 1, 2)
    why = f"The body inflates to over {64 * MIB} bytes: send smaller batches."
    with running(tmp_path) as server:
        authorization = f"Bearer {new_key(server, tmp_path)}"
        headers = {
            "authorization": authorization,
            "content-type": "application/x-protobuf",
            "content-encoding": "gzip",
        }
        async with httpx2.AsyncClient(base_url=server.url, headers=headers, timeout=60) as client:
            kept, refused = [await client.post("/v1/traces", content=each) for each in (largest, larger)]
        assert (kept.status_code, kept.content) == (200, b"")
        assert refused.status_code == 413
        assert why in refused.text
        metadata = (("authorization", authorization),)
        address = grpc_address(server)
        answers = [await call(address, each, metadata=metadata) for each in (largest, larger)]
        assert answers == [b"", Failed(grpc.StatusCode.RESOURCE_EXHAUSTED, why)]
