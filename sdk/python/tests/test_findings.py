"""What is told of a library whose hooks are not where they were."""

import sys
from importlib.metadata import version

import pytest
from sdk_kit.findings import Findings

import mcp_obs
from mcp_obs._adapters import findings
from mcp_obs._adapters.findings import Finding


def test_a_finding_says_what_is_missing_where_and_what_to_do(found: Findings):
    findings.report("mcp", "Server.hook", "nothing is recorded")
    findings.report("mcp", "Server.hook", "nothing is recorded")
    assert findings.findings() == (Finding("mcp", version("mcp"), "Server.hook", "nothing is recorded"),)
    assert found.warnings == [
        (
            f"mcp {version('mcp')} has no Server.hook that mcp-obs knows: nothing is recorded. "
            "Upgrade mcp-obs, or use mcp 1.9 to 1.30 and 2.0 to 2.3."
        )
    ]


def test_a_server_class_that_a_library_has_changed_is_a_finding(found: Findings):
    changed = type("MCPServer", (), {"__module__": "mcp.server"})
    server = changed()
    assert mcp_obs.instrument(server) is server
    assert [(one.hook, one.consequence) for one in findings.findings()] == [
        ("MCPServer.middleware", "the server is not recorded at all")
    ]


def test_an_adapter_that_does_not_find_what_it_imports_is_a_finding(
    found: Findings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "mcp_obs._adapters.fastmcp_v4", None)
    changed = type("FastMCP", (), {"__module__": "fastmcp.server", "middleware": []})
    mcp_obs.instrument(changed())
    assert found.warnings == [str(one) for one in findings.findings()]
    (finding,) = findings.findings()
    assert finding.library == "fastmcp"
    assert finding.consequence == "the server is not recorded at all"


def test_what_is_no_server_at_all_is_a_warning(found: Findings):
    server = object()
    assert mcp_obs.instrument(server) is server
    assert found.warnings == [
        (
            "mcp-obs cannot instrument builtins.object: it knows the servers of mcp 1.9 to 1.30 and 2.0 to 2.3, "
            "and of fastmcp 2.14, 3.0 to 3.4 and 4.0 to 4.2"
        )
    ]
    assert findings.findings() == ()
