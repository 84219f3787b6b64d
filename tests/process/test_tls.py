"""Encryption by `serve` itself, and proxies that do it in front of it."""

import datetime
import ipaddress
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from mcp_memory.errors import Invalid
from mcp_memory.http import serving

from .raw import answer, connected, request, status
from .servers import ANSWER_SECONDS, Home, Http, http_server, make_home
from .test_shutdown import PHONE

pytestmark = pytest.mark.anyio

PEM = serialization.Encoding.PEM
PKCS8 = serialization.PrivateFormat.PKCS8
STORES = "/v1/ControlPlane/Stores"


@dataclass(frozen=True)
class Pair:
    certificate: Path
    key: Path

    @property
    def environ(self) -> dict[str, str]:
        return {"MCP_MEMORY_TLS_CERTIFICATE": str(self.certificate), "MCP_MEMORY_TLS_KEY": str(self.key)}

    @property
    def trusted(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))


def made(folder: Path, name: str, passphrase: bytes | None = None) -> Pair:
    """A certificate that vouches for itself, for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    lock = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    pair.certificate.write_bytes(certificate.public_bytes(PEM))
    pair.key.write_bytes(key.private_bytes(PEM, PKCS8, lock))
    return pair


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return made(tmp_path_factory.mktemp("certificate"), "own")


@pytest.fixture(scope="module")
def https(tmp_path_factory: pytest.TempPathFactory, pair: Pair) -> Iterator[Http]:
    with http_server(make_home(tmp_path_factory.mktemp("tls") / "machine"), pair.environ) as http:
        yield http


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_mcp_is_spoken_over_tls(https: Http, pair: Pair, mode: str) -> None:
    assert https.address.startswith("https://127.0.0.1:")
    async with (
        httpx2.AsyncClient(verify=pair.trusted, timeout=ANSWER_SECONDS) as client,
        Client(streamable_http_client(f"{https.address}/mcp", http_client=client), mode=mode) as memory,
    ):
        made = await memory.call_tool("upsert_traits", {"traits": {"Contact": {"phone": PHONE}}})

    assert not made.is_error


def test_links_of_the_api_are_encrypted_too(https: Http, pair: Pair) -> None:
    answered = httpx2.post(f"{https.address}{STORES}", json={"displayName": "linked"}, verify=pair.trusted)

    assert answered.json()["statusUrl"].startswith(f"{https.address}/")


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_older_versions_than_1_2_are_not_spoken(https: Http, pair: Pair, newest: ssl.TLSVersion) -> None:
    offering = pair.trusted
    offering.set_ciphers("DEFAULT@SECLEVEL=0")  # or this side would not offer what is old
    offering.minimum_version, offering.maximum_version = ssl.TLSVersion.TLSv1_1, newest

    with connected(https) as connection:
        if newest == ssl.TLSVersion.TLSv1_1:
            with pytest.raises(ssl.SSLError):
                offering.wrap_socket(connection, server_hostname="127.0.0.1")
        else:
            with offering.wrap_socket(connection, server_hostname="127.0.0.1") as encrypted:
                assert encrypted.version() in ("TLSv1.2", "TLSv1.3")


def test_who_does_not_encrypt_gets_nothing_and_upsets_nobody(https: Http, pair: Pair) -> None:
    for sent in (request(https, "GET", "/health"), b"\x16\x03\x01garbage", b""):
        with connected(https) as connection:
            connection.sendall(sent)
            if sent:
                assert b"200" not in answer(connection)

    assert httpx2.get(f"{https.address}/health", verify=pair.trusted).status_code == 200
    assert "Traceback" not in https.stderr


def broken(folder: Path) -> list[tuple[Pair, str]]:
    own, other, locked = made(folder, "one"), made(folder, "other"), made(folder, "locked", b"hunter2")
    garbage = folder / "garbage.pem"
    garbage.write_text("-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----\n", encoding="utf-8")
    return [
        (
            Pair(folder / "nowhere.pem", own.key),
            f"tls_certificate {folder / 'nowhere.pem'} can't be read: No such file",
        ),
        (Pair(own.certificate, folder / "nowhere.key"), f"tls_key {folder / 'nowhere.key'} can't be read"),
        (Pair(own.certificate, folder), f"tls_key {folder} can't be read"),
        (Pair(own.certificate, other.key), f"tls_key {other.key} is not the key of tls_certificate {own.certificate}"),
        (Pair(garbage, own.key), "is no PEM file of that kind"),
        (Pair(own.certificate, garbage), "is no PEM file of that kind"),
        (Pair(own.key, own.certificate), "is no PEM file of that kind"),
        (locked, "tls_key is locked with a passphrase"),
    ]


def test_files_that_are_no_good_are_named_at_the_start(home: Home, tmp_path: Path) -> None:
    pairs = broken(tmp_path)
    for pair, complaint in pairs:
        with pytest.raises(Invalid) as refusal:
            serving.tls(pair.certificate, pair.key)
        assert complaint in str(refusal.value) and "hunter2" not in str(refusal.value)

    pair, complaint = pairs[-1]
    refused = home.run("serve", "--port", "0", "--data-dir", str(home.data), env=pair.environ)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert complaint in refused.stderr
    assert "Traceback" not in refused.stderr and "hunter2" not in refused.stderr
    assert not home.data.exists()


SAID = {
    "X_Forwarded_For": "198.51.100.7",
    "X_Forwarded_Proto": "https",
    "X_Forwarded_Host": "mem.example.com",
    "Connection": "close",
}


def made_store(http: Http, name: str, **headers: str) -> tuple[int, str]:
    """The status, and the link in the answer."""
    with connected(http) as connection:
        connection.sendall(request(http, "POST", STORES, {"displayName": name}, **headers))
        answered = answer(connection).decode()
    return status(answered.encode()), answered.partition('"statusUrl":"')[2].partition("/v1")[0]


def test_what_a_trusted_proxy_says_is_believed(home: Home) -> None:
    environ = {"MCP_MEMORY_TRUSTED_PROXIES": "127.0.0.0/8", "MCP_MEMORY_ALLOWED_HOSTS": "mem.example.com"}
    with http_server(home, environ) as http:
        assert made_store(http, "one", **SAID) == (202, "https://mem.example.com")
        assert made_store(http, "two", **{**SAID, "X_Forwarded_Host": "evil.example"})[0] == 421
        assert made_store(http, "two", Connection="close") == (202, http.address)


def test_what_anybody_else_says_is_not(http: Http) -> None:
    assert made_store(http, "one", **SAID) == (202, http.address)
    assert made_store(http, "two", **{**SAID, "X_Forwarded_Host": "evil.example"}) == (202, http.address)


def test_links_begin_with_the_public_url(home: Home) -> None:
    with http_server(home, {"MCP_MEMORY_PUBLIC_URL": "https://mem.example.com"}) as http:
        assert made_store(http, "one", Connection="close") == (202, "https://mem.example.com")
        assert httpx2.get(f"{http.address}/health", headers={"host": "mem.example.com"}).status_code == 200
        assert httpx2.get(f"{http.address}/health", headers={"host": "evil.example"}).status_code == 421


def test_a_browser_that_asks_first_is_answered(home: Home) -> None:
    origin = "https://app.example.com"
    with http_server(home, {"MCP_MEMORY_ALLOWED_ORIGINS": origin, "MCP_MEMORY_CORS": "on"}) as http:
        asking = {"origin": origin, "access-control-request-method": "POST"}
        preflight = httpx2.options(f"{http.address}/mcp", headers=asking)
        other = httpx2.options(f"{http.address}/mcp", headers={**asking, "origin": "https://evil.example"})

    assert preflight.headers["access-control-allow-origin"] == origin
    assert (preflight.status_code, other.status_code) == (200, 403)
