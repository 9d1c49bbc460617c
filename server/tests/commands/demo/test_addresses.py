import socket
from pathlib import Path

import click
import pytest

from mcp_obs_server.commands.demo import addresses
from mcp_obs_server.commands.demo.addresses import HOST, Checkout, choose_port, free_port, is_free


def test_a_free_port_can_be_listened_on() -> None:
    port = free_port()
    with socket.create_server((HOST, port)):
        assert not is_free(port)
    assert is_free(port)


def test_a_taken_port_that_was_asked_for_is_an_error() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(click.ClickException, match=f"Port {port} is taken"):
            choose_port(port)


def test_a_taken_default_port_gives_way_to_a_free_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((HOST, 0)) as taken:
        default = taken.getsockname()[1]
        monkeypatch.setattr(addresses, "DEFAULT_PORT", default)
        assert choose_port(None) != default


def test_a_free_port_that_was_asked_for_is_taken() -> None:
    port = free_port()
    assert choose_port(port) == port


def test_the_examples_are_found_from_inside_a_checkout() -> None:
    checkout = Checkout.around(Path(__file__))
    assert (checkout.examples / "shop" / "server.py").is_file()
    assert checkout.mcp1_python.is_file()


def test_outside_a_checkout_the_demo_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(click.ClickException, match="clone mcp-obs"):
        Checkout.around(tmp_path / "run.py")
