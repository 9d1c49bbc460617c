"""The compose file was never started here, so at least it names only what there is."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import yaml

from mcp_obs_server.monitoring import endpoints as monitoring
from mcp_obs_server.settings import Settings
from mcp_obs_server.store import ClickHouse, TelemetryStore
from mcp_obs_server.store.cluster import Cluster

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SERVICES: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
NODES = {name: each for name, each in SERVICES.items() if name.startswith("clickhouse-")}
KEEPERS = {name: each for name, each in SERVICES.items() if name.startswith("keeper-")}
CLUSTER = ET.parse(DEPLOY / "clickhouse" / "cluster.xml").getroot()
KEEPER = ET.parse(DEPLOY / "clickhouse" / "keeper.xml").getroot()
REPLICAS = {name: each for name, each in SERVICES.items() if name.startswith("mcp-obs-")}
MCP_OBS: dict[str, Any] = SERVICES["mcp-obs-1"]
POSTGRESQL: dict[str, Any] = SERVICES["postgresql"]
BALANCER: dict[str, Any] = SERVICES["balancer"]
BALANCING = [line.split() for line in (DEPLOY / "haproxy.cfg").read_text().splitlines()]


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    """What mcp-obs reads from the file's environment."""
    for name, value in MCP_OBS["environment"].items():
        monkeypatch.setenv(name, re.sub(r"\$\{[A-Z]+_PASSWORD:\?\}", "secret", value))
    return Settings()


def texts(root: ET.Element, path: str) -> list[str | None]:
    return [each.text for each in root.findall(path)]


def test_every_variable_of_mcp_obs_is_a_setting() -> None:
    known = {f"MCP_OBS_{name.upper()}" for name in Settings.model_fields}
    assert MCP_OBS["environment"].keys() <= known


def test_every_mcp_obs_keeps_a_folder_of_its_own_and_is_otherwise_the_same(settings: Settings) -> None:
    assert len(REPLICAS) == 2
    for name, each in REPLICAS.items():
        assert each == {**MCP_OBS, "volumes": [f"{name}:{settings.data_dir}"]}


def test_the_balancer_publishes_http_and_grpc_and_sends_them_to_every_mcp_obs_that_is_ready(
    settings: Settings,
) -> None:
    assert settings.host == "0.0.0.0"
    ports = [str(settings.port), str(settings.otlp_grpc_port)]
    assert [port.rsplit(":", 1)[1] for port in BALANCER["ports"]] == ports
    assert [words[1] for words in BALANCING if words[:1] == ["bind"]] == [f":{port}" for port in ports]
    servers = [words[1:3] for words in BALANCING if words[:1] == ["server"]]
    assert servers == [[name, f"{name}:{port}"] for port in ports for name in REPLICAS]
    assert ["option", "httpchk", "GET", "/readyz"] in BALANCING
    assert "/readyz" in monitoring.PATHS
    # The port of gRPC doesn't answer HTTP/1.
    asked = [words[words.index("port") + 1] for words in BALANCING if "port" in words and "h2" in words]
    assert asked == [str(settings.port)] * len(REPLICAS)
    assert BALANCER["depends_on"] == list(REPLICAS)


def test_they_share_the_postgresql_that_is_there(settings: Settings) -> None:
    url = settings.control_url
    environment = POSTGRESQL["environment"]
    assert (url.host, url.port) == ("postgresql", 5432)
    assert (url.username, url.database) == (environment["POSTGRES_USER"], environment["POSTGRES_DB"])
    assert POSTGRESQL["image"] == "postgres:15"
    assert POSTGRESQL["healthcheck"]["test"][-2:] == [
        f"--username={url.username}",
        f"--dbname={url.database}",
    ]


def test_its_health_is_asked_where_it_is_answered(settings: Settings) -> None:
    url = MCP_OBS["healthcheck"]["test"][-1].split('"')[1]
    assert url == f"http://127.0.0.1:{settings.port}/healthz"
    assert "/healthz" in monitoring.PATHS


def test_its_store_is_a_node_of_the_cluster_that_the_nodes_know(settings: Settings) -> None:
    location = settings.store_location
    assert isinstance(location, ClickHouse)
    assert location.host in NODES
    assert location.port == 8123
    assert [cluster.tag for cluster in CLUSTER.findall("remote_servers/*")] == [location.cluster]
    assert all(node["environment"]["CLICKHOUSE_USER"] == location.user for node in NODES.values())
    assert MCP_OBS["depends_on"].keys() == {"postgresql", *NODES}


def test_every_node_is_the_replica_and_on_the_shard_that_the_cluster_says() -> None:
    shards = CLUSTER.findall("remote_servers/main/shard")
    assert [texts(shard, "replica/host") for shard in shards] == [
        [name for name, node in NODES.items() if node["environment"]["SHARD"] == number]
        for number in ("01", "02")
    ]
    for name, node in NODES.items():
        environment = node["environment"]
        assert name == node["hostname"] == f"clickhouse-{environment['SHARD']}-{environment['REPLICA']}"
    # Otherwise the Distributed table would write to all replicas, which replicate it to each other again.
    assert texts(CLUSTER, "remote_servers/main/shard/internal_replication") == ["true"] * len(shards)


def test_the_nodes_have_the_macros_that_the_tables_are_made_with() -> None:
    (table, _) = Cluster("main", "obs").statements("CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a")
    macros = {macro.tag: macro.get("from_env") for macro in CLUSTER.findall("macros/*")}
    assert macros == {"shard": "SHARD", "replica": "REPLICA"}
    assert all(f"{{{name}}}" in table for name in macros)
    from_env = {each.get("from_env") for each in CLUSTER.iter()} - {None}
    assert all(from_env <= node["environment"].keys() for node in NODES.values())


def test_the_nodes_ask_the_keepers_that_know_each_other() -> None:
    ids = {node.findtext("hostname"): node.findtext("id") for node in KEEPER.iter("server")}
    assert ids == {name: keeper["environment"]["KEEPER_ID"] for name, keeper in KEEPERS.items()}
    assert texts(CLUSTER, "zookeeper/node/host") == list(KEEPERS)
    assert set(texts(CLUSTER, "zookeeper/node/port")) == {KEEPER.findtext("keeper_server/tcp_port")}


async def test_the_images_have_the_engine_that_everything_else_is_tested_with(store: TelemetryStore) -> None:
    (row,) = await store.rows("SELECT version() AS version", {})
    tag = ".".join(row["version"].split(".")[:2])
    assert {each["image"] for each in [*NODES.values(), *KEEPERS.values()]} == {
        f"clickhouse/clickhouse-server:{tag}",
        f"clickhouse/clickhouse-keeper:{tag}",
    }


def test_what_the_files_copy_and_mount_is_there() -> None:
    copied = [
        line.split()[1]
        for line in (DEPLOY / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY")
    ]
    mounted = [volume.split(":")[0] for each in SERVICES.values() for volume in each["volumes"]]
    files = [ROOT / path for path in copied] + [DEPLOY / path for path in mounted if path.startswith(".")]
    assert all(path.exists() for path in files)
