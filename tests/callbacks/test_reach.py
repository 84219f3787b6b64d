"""Where callbacks may go: nowhere that only this machine, or its network, can reach, however it is written."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory.callbacks.addresses import PUBLIC, is_public, reach
from mcp_memory.callbacks.urls import MAX_URL, checked_url, target
from mcp_memory.errors import Invalid

OPEN = reach(["localhost", "hooks.internal", "10.0.0.0/8", "::1"])

NOT_PUBLIC = [
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("169.254.169.254", "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "192.0.2.1", "198.18.0.1"),
    *("198.51.100.1", "203.0.113.1", "192.88.99.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1"),
    *("64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254"),
    *("ff02::1", "ff0e::1", "2001::1", "2001:10::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::", "3fff::1"),
    *("5f00::1", "100::1", "4000::1"),
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_what_is_not_public_is_refused(address: str) -> None:
    assert not is_public(ip_address(address)) and not PUBLIC.admits("hooks.example.com", ip_address(address))


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "93.184.216.34", "1.1.1.1", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"],
)
def test_what_is_public_is_admitted(address: str) -> None:
    assert PUBLIC.admits("hooks.example.com", ip_address(address))


@given(st.ip_addresses(v=4))
def test_an_address_is_as_public_as_its_other_spellings(address: object) -> None:
    for spelling in (f"::ffff:{address}", f"64:ff9b::{address}"):
        assert is_public(ip_address(spelling)) == is_public(ip_address(str(address)))


def test_a_host_that_is_listed_may_be_anywhere_and_a_network_is_all_its_addresses() -> None:
    assert OPEN.admits("hooks.internal", ip_address("192.168.7.7"))
    assert OPEN.admits("any.example.com", ip_address("10.1.2.3"))
    assert OPEN.admits("any.example.com", ip_address("::ffff:10.1.2.3"))
    assert not OPEN.admits("other.internal", ip_address("192.168.7.7"))
    assert not OPEN.admits("sub.hooks.internal", ip_address("192.168.7.7"))


@pytest.mark.parametrize("listed", ["0.0.0.0/0", "::/0", "10.0.0.1/8", "host:80", "http://host", "a b", "", "10.0.0"])
def test_what_is_no_host_and_no_network_is_not_listed(listed: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        reach([listed])


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com/hooks?tenant=1&x=%20",
        "HTTPS://Example.com:8443/",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]:444/a",
        "https://xn--bcher-kva.example/",
    ],
)
def test_a_url_stays_as_it_is_given(url: str) -> None:
    assert checked_url(url) == url


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("", "statusCallbacks.url must be a URL"),
        ("example.com/hook", "must be a URL"),
        ("ftp://example.com/", "must be a URL"),
        ("file:///etc/passwd", "must be a URL"),
        ("https:///hook", "must be a URL"),
        ("https://example.com/#part", "must be a URL"),
        ("https://example.com/a b", "must be a URL"),
        ("https://example.com/\r\nHost: x", "must be a URL"),
        ("https://bücher.example/", "must be a URL"),
        ("https://example.com\\@localhost/", "must be a URL"),
        ("https://example.com/%zz", "must be a URL"),
        ("https://ann@example.com/", "must not hold a user or a password"),
        ("https://ann:secret@example.com/", "must not hold a user or a password"),
        ("https://exa mple.com/", "must be a URL"),
        ("https://example.com:0/", "must name a host"),
        ("https://example.com:99999/", "must name a host"),
        ("https://exam!ple/", "must name a host"),
        ("https://[::1", "must name a host"),
        ("https://2130706433/", "must name a host"),
        ("https://0x7f.1/", "must name a host"),
        ("https://127.1/", "must name a host"),
        ("https://localhost/", "must lead to a public address.*callback_hosts"),
        ("https://LOCALHOST./", "must lead to a public address"),
        ("https://api.localhost/", "must lead to a public address"),
        ("https://127.0.0.1:8080/", "must lead to a public address"),
        ("https://[::ffff:169.254.169.254]/", "must lead to a public address"),
        ("https://[fd00:ec2::254]/", "must lead to a public address"),
        ("http://example.com/", "must begin with https://"),
        ("http://8.8.8.8/", "must begin with https://"),
        (f"https://example.com/{'a' * MAX_URL}", "is longer than 2048 characters"),
    ],
)
def test_a_url_that_could_lead_elsewhere_is_refused(url: str, complaint: str) -> None:
    with pytest.raises(Invalid, match=complaint) as refused:
        checked_url(url, "statusCallbacks.url")

    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["http://localhost:3000/", "http://hooks.internal/", "http://10.2.3.4/", "http://[::1]/"]
)
def test_what_is_allowed_may_be_without_encryption(url: str) -> None:
    assert checked_url(url, reach=OPEN) == url
    with pytest.raises(Invalid):
        checked_url(url)


def test_a_url_is_taken_apart_once() -> None:
    found = target("https://Example.com:8443?a=b")

    assert (found.scheme, found.host, found.port, found.path) == ("https", "example.com", 8443, "/?a=b")
    assert found.url == "https://Example.com:8443/?a=b" and target("https://[2606:4700::1]/x").port == 443


@given(st.text(max_size=60), st.text(max_size=60))
def test_nothing_gets_into_a_request_but_what_a_url_may_hold(host: str, path: str) -> None:
    try:
        found = target(f"https://{host}/{path}")
    except Invalid:
        return

    assert all(33 <= ord(letter) < 127 for letter in found.url) and "@" not in found.authority and "#" not in found.url
