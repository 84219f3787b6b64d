"""Names of hosts and origins: one spelling each, or none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory import hosts
from mcp_memory.hosts import Host


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("mem.example.com", Host("mem.example.com")),
        ("MEM.Example.com:8443", Host("mem.example.com", 8443)),
        ("mem.example.com.", Host("mem.example.com")),
        ("localhost.:80", Host("localhost", 80)),
        ("10.0.0.5:8765", Host("10.0.0.5", 8765)),
        ("[::1]", Host("[::1]")),
        ("[0:0:0:0:0:0:0:1]:80", Host("[::1]", 80)),
        ("[2001:DB8::1]", Host("[2001:db8::1]")),
        ("my_service", Host("my_service")),
    ],
)
def test_a_host_has_one_spelling(text: str, found: Host) -> None:
    assert hosts.host(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        " localhost",
        "localhost ",
        "localhost\n",
        "localhost:",
        "localhost:evil",
        "localhost:99999",
        "localhost:80:80",
        "localhost:80@evil.example",
        "user@localhost",
        "localhost/evil",
        "localhost#",
        "localhost..",
        "a..b",
        ".",
        "::1",
        "[::1",
        "[::1]evil",
        "[fe80::1%eth0]",
        "[localhost]",
        "[127.0.0.1]",
        "localhost,evil.example",
        "localhost:\uff18\uff10",
        "\uff4cocalhost",
        "*",
    ],
)
def test_what_is_no_host_is_none(text: str) -> None:
    assert hosts.host(text) is None


@pytest.mark.parametrize(
    "text",
    ["127.1", "2130706433", "0x7f.0.0.1", "127.0.0.01", "[::ffff:127.0.0.1]", "127.0.0.1.evil.example", "0.0.0.0"],
)
def test_other_ways_to_write_this_machine_are_not_its_loopback_names(text: str) -> None:
    found = hosts.host(text)

    assert found is None or found.name not in hosts.LOOPBACK


@given(st.text(max_size=40))
def test_what_is_a_host_is_written_back_as_one(text: str) -> None:
    found = hosts.host(text)

    assert found is None or hosts.host(str(found)) == found


def test_a_port_counts_where_the_list_names_one() -> None:
    any_port, one_port = [Host("mem.example.com")], [Host("mem.example.com", 443)]

    assert hosts.listed(Host("mem.example.com", 8443), "http", any_port)
    assert hosts.listed(Host("mem.example.com", 443), "http", one_port)
    assert hosts.listed(Host("mem.example.com"), "https", one_port)
    assert not hosts.listed(Host("mem.example.com"), "http", one_port)
    assert not hosts.listed(Host("mem.example.com", 8443), "https", one_port)
    assert not hosts.listed(Host("other.example.com", 443), "https", any_port)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://app.example.com", "https://app.example.com"),
        ("HTTPS://App.Example.com:443", "https://app.example.com"),
        ("http://app.example.com:443", "http://app.example.com:443"),
        ("http://[::1]:80", "http://[::1]"),
        ("vscode-webview://abc", "vscode-webview://abc"),
        ("null", None),
        ("*", None),
        ("https://*.example.com", None),
        ("https://app.example.com/", None),
        ("https://app.example.com/path", None),
        ("https://user@app.example.com", None),
        ("https://app.example.com?x", None),
        ("https://", None),
        ("app.example.com", None),
        ("https://app.example.com https://evil.example", None),
        ("https://app.example.com\\.evil.example", None),
    ],
)
def test_an_origin_has_one_spelling(text: str, found: str | None) -> None:
    assert hosts.origin(text) == found


@pytest.mark.parametrize(
    ("bound", "loopback"),
    [
        *((near, True) for near in ("127.0.0.1", "localhost", "LOCALHOST", "::1", "127.9.9.9")),
        *((far, False) for far in ("0.0.0.0", "::", "10.0.0.5", "mem.example.com", "127.0.0.1.nip.io")),
    ],
)
def test_only_this_machine_is_loopback(bound: str, loopback: bool) -> None:
    assert hosts.is_loopback(bound) is loopback
