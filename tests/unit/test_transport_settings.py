"""Settings that say how `serve` is reached."""

from pathlib import Path

import pytest

from mcp_memory.callbacks.addresses import reach
from mcp_memory.errors import Invalid
from mcp_memory.http.safety import check_exposure
from mcp_memory.settings import load, of_backend


def test_lists_are_lists_in_the_file_and_have_commas_in_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "memory.toml"
    file.write_text(
        'allowed_hosts = ["Mem.Example.com.", "[::1]:80"]\ntrusted_proxies = "10.0.0.0/8"\n', encoding="utf-8"
    )
    environ = {
        "MCP_MEMORY_CONFIG": str(file),
        "MCP_MEMORY_ALLOWED_ORIGINS": "https://App.example.com:443, http://b.example/",
        "MCP_MEMORY_CORS": "on",
        "MCP_MEMORY_PUBLIC_URL": "https://mem.example.com/",
    }

    loaded = load({}, environ)

    assert loaded.allowed_hosts == ("mem.example.com", "[::1]:80")
    assert loaded.trusted_proxies == ("10.0.0.0/8",)
    assert loaded.allowed_origins == ("https://app.example.com", "http://b.example")
    assert loaded.public_url == "https://mem.example.com"


def test_files_of_tls_lie_beside_the_file_that_names_them(tmp_path: Path) -> None:
    file = tmp_path / "memory.toml"
    file.write_text('tls_certificate = "c.pem"\ntls_key = "/k.pem"\n', encoding="utf-8")

    loaded = load({"config": str(file)}, {})

    assert (loaded.tls_certificate, loaded.tls_key) == (tmp_path / "c.pem", Path("/k.pem"))


@pytest.mark.parametrize(
    ("toml", "complaint"),
    [
        ("allowed_hosts = 5", "allowed_hosts must be a list of texts"),
        ("allowed_hosts = [5]", "allowed_hosts must be a list of texts"),
        ("allowed_hosts = []", "allowed_hosts must name 1 to 100"),
        ("allowed_hosts = 'a,,b'", "allowed_hosts must name 1 to 100, none of them empty"),
        ("allowed_hosts = ['*']", "None stands for others"),
        ("allowed_hosts = ['*.example.com']", "None stands for others"),
        ("allowed_hosts = ['https://mem.example.com']", "allowed_hosts must be names of hosts"),
        ("allowed_hosts = ['::1']", "IPv6 in brackets"),
        ("allowed_origins = ['*']", "None stands for others"),
        ("allowed_origins = ['null']", "allowed_origins must be origins as browsers send them"),
        ("allowed_origins = ['https://a.example/path']", "without a path"),
        ("cors = 'yes'", "cors must be on or off"),
        ("cors = 'on'", "cors is on, so allowed_origins must name"),
        ("trusted_proxies = 'proxy.example.com'", "trusted_proxies must be addresses or networks"),
        ("trusted_proxies = '10.0.0.1/8'", "trusted_proxies must be addresses or networks"),
        ("callback_hosts = 5", "callback_hosts must be a list of texts"),
        ("callback_hosts = 'localhost,'", "callback_hosts must name 1 to 100, none of them empty"),
        ("callback_hosts = 'localhost:80'", "callback_hosts must be names of hosts without a port"),
        ("callback_hosts = ['10.0.0.1/8']", "callback_hosts must be names of hosts"),
        ("callback_hosts = '0.0.0.0/0'", "callback_hosts must be names of hosts.*and not all there are"),
        ("trusted_proxies = '0.0.0.0/0'", "trusted_proxies must not be everybody"),
        ("trusted_proxies = ['10.0.0.0/8', '::/0']", "trusted_proxies must not be everybody"),
        ("public_url = 'mem.example.com'", "public_url must begin with http:// or https://"),
        ("public_url = 'https://mem.example.com/memory'", "public_url must be a scheme, a host and perhaps a port"),
        ("public_url = 'https://ann:secret@mem.example.com'", "public_url must not hold a user or a password"),
        ("tls_certificate = 'c.pem'", "tls_certificate and tls_key must be set both, or neither"),
        ("tls_key = 'k.pem'", "tls_certificate and tls_key must be set both, or neither"),
        ("tls_key = ''", "tls_key must be a path"),
        ("plain_http = true", "plain_http must be on or off"),
        ("max_connections = 0", "max_connections must be a whole number from 1 to 50000"),
        ("workers = 0", "workers must be a whole number from 1 to 64"),
        ("workers = 1.5", "workers must be a whole number"),
        ("shutdown_seconds = 0", "shutdown_seconds must be a whole number from 1 to 300"),
    ],
)
def test_a_wrong_setting_is_refused_by_what_is_wrong(tmp_path: Path, toml: str, complaint: str) -> None:
    file = tmp_path / "memory.toml"
    file.write_text(toml, encoding="utf-8")

    with pytest.raises(Invalid, match=complaint) as caught:
        load({"config": str(file)}, {})

    assert "secret" not in str(caught.value)


CLOSED = {"authenticated": False, "encrypted": False, "behind_proxy": False, "plain": False}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_a_loopback_address_needs_nothing(host: str) -> None:
    check_exposure(host, **CLOSED)


@pytest.mark.parametrize("way", ["encrypted", "behind_proxy", "plain"])
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "mem.example.com"])
def test_another_address_needs_authentication_and_a_way_that_nobody_reads(host: str, way: str) -> None:
    with pytest.raises(Invalid, match="MCP asks for no key"):
        check_exposure(host, **{**CLOSED, way: True})
    with pytest.raises(Invalid, match="Set tls_certificate and tls_key; or trusted_proxies"):
        check_exposure(host, **{**CLOSED, "authenticated": True})

    check_exposure(host, **{**CLOSED, "authenticated": True, way: True})


def test_hosts_that_callbacks_may_go_to_are_names_addresses_and_networks(tmp_path: Path) -> None:
    file = tmp_path / "memory.toml"
    file.write_text('[backends.eu]\ndata_dir = "eu"\n[tenants.acme]\nbackend = "eu"\n', encoding="utf-8")
    given = "localhost, Hooks.Internal, 10.0.0.0/8, ::1, fd00::/8"

    loaded = load({"config": str(file)}, {"MCP_MEMORY_CALLBACK_HOSTS": given})

    assert loaded.callback_hosts == ("localhost", "Hooks.Internal", "10.0.0.0/8", "::1", "fd00::/8")
    assert of_backend(loaded, loaded.hosting.tenants["acme"]).callback_hosts == loaded.callback_hosts
    assert "hooks.internal" in reach(loaded.callback_hosts).names
