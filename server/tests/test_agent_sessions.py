"""What the example that drives an agent tells of a session, asked for at a running mcp-obs."""

import json
import sys
from contextlib import suppress
from pathlib import Path

import httpx2
from mcp import Client, StdioServerParameters
from mcp_types import TextContent

from server_process import new_key, running
from waiting import until

EXAMPLES = Path(__file__).parents[2] / "examples"


# Messages, checkpoints and errors by the session's model.
TOLD = {
    "opus": (2, 2, 0),
    # Checkpoints of a session that has crashed are refused before they are begun.
    "haiku": (3, 0, 2),
}


async def test_a_session_tells_its_model_prompts_checkpoints_and_errors(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        command = StdioServerParameters(
            command=sys.executable,
            args=["-m", "claude_code_mcp"],
            env={
                "MCP_OBS_API_KEY": new_key(server, tmp_path),
                "MCP_OBS_ENDPOINT": server.url,
                "PYTHONPATH": str(EXAMPLES),
                "CLAUDE_CODE_BINARY": str(EXAMPLES / "claude_code_mcp/stand_in.py"),
                "CLAUDE_CODE_MCP_DATA": str(tmp_path / "agents"),
                "STAND_IN_HOME": str(tmp_path / "stand-in"),
            },
        )
        async with Client(command) as client:
            ids = await live(client)
        token = (tmp_path / "access-token").read_text().strip()
        async with httpx2.AsyncClient(
            base_url=f"{server.url}/api/servers/1/",
            headers={"authorization": f"Bearer {token}"},
            timeout=60,
        ) as api:
            found = dict[str, tuple[int, int, int]]()

            async def all_is_told() -> bool:
                answer = (await api.get("session_metrics")).raise_for_status().json()
                for row in answer["rows"]:
                    if row["session_id"] in ids:
                        counts = row["message_count"], row["checkpoint_count"], row["error_count"]
                        found[row["model"]] = counts
                return found == TOLD

            with suppress(TimeoutError):
                await until(all_is_told)
    assert found == TOLD


async def live(client: Client) -> set[str]:
    """A session that goes well and one that does not; their ids."""
    ids = set[str]()
    for model, prompts in {"opus": ("And the types",), "haiku": ("fail", "crash")}.items():
        begun = await client.call_tool("start_session", {"prompt": "Fix the tests", "model": model})
        assert isinstance(begun.content[0], TextContent)
        ids.add(json.loads(begun.content[0].text)["session_id"])
        for prompt in prompts:
            await client.call_tool("send_message", {"prompt": prompt})
        for _ in range(2):
            await client.call_tool("create_checkpoint", {})
        await client.call_tool("end_session", {})
    return ids
