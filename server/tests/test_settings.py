from pathlib import Path

from mcp_obs_server.settings import Settings

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "settings.md"


def test_the_guide_has_every_setting_with_its_default_and_meaning() -> None:
    rows = [
        f"| `MCP_OBS_{name.upper()}` | {'' if field.default is None else f'`{field.default}` '}| {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    assert [line for line in GUIDE.read_text().splitlines() if line.startswith("| `")] == rows
