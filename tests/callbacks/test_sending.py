"""One attempt: whatever a receiver does, it ends in time, and it goes where it was checked to go."""

import ipaddress
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mcp_memory.callbacks import Method
from mcp_memory.callbacks.addresses import PUBLIC, Address, Reach, reach
from mcp_memory.callbacks.requests import Outcome, Outgoing, outgoing
from mcp_memory.callbacks.resolving import Resolver
from mcp_memory.callbacks.sending import Sender
from mcp_memory.callbacks.urls import target

from .receiver import Receiver, Reply, receiving

NAME = "hooks.example.com"
LOOPBACK, NAMED = reach(["127.0.0.0/8"]), reach(["127.0.0.0/8", NAME])
SECONDS = 0.4  # of an attempt, where it is about time
PATIENT = 10.0  # where it is not
SLACK = 2.0  # of a machine that is busy with others
BODY = json.dumps({"eventType": "CONVERSATION_CREATED", "timestamp": "2026-11-23T09:30:00.000Z", "data": {}})


def to(url: str, method: Method = "POST", allowed: Reach = NAMED) -> Outgoing:
    return outgoing(target(url, reach=allowed), method, "conv_callback_1", "conv_conversation_1", BODY, "secret")


def resolving(*answers: list[str]) -> Resolver:
    """As a name server that says something else each time, and the last for ever."""
    left = list(answers)

    def look_up(host: str, port: int) -> list[Address]:
        return [ipaddress.ip_address(one) for one in (left.pop(0) if len(left) > 1 else left[0])]

    return Resolver(look_up)


def sender(allowed: Reach = LOOPBACK, seconds: float = PATIENT, resolver: Resolver | None = None) -> Sender:
    return Sender(allowed, seconds=seconds, resolver=resolver)


def took(send: Callable[[], Outcome]) -> tuple[Outcome, float]:
    begun = time.monotonic()
    came = send()
    return came, time.monotonic() - begun


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_what_is_sent_comes_as_it_was_made(method: Method) -> None:
    with receiving() as receiver:
        request = to(receiver.url("/hook?tenant=1"), method)
        assert sender().send(request) == Outcome()

    (seen,) = receiver.seen
    assert (seen.method, seen.path, seen.body) == (method, request.target.path, request.content or b"")
    assert dict(request.headers).items() <= seen.headers.items()
    assert seen.headers["Host"] == f"127.0.0.1:{receiver.server_port}"
    assert not {"Cookie", "Authorization", "Transfer-Encoding"} & set(seen.headers)


@pytest.mark.parametrize(
    ("status", "came"),
    [
        (200, Outcome()),
        (204, Outcome()),
        (301, Outcome("HTTP 301: redirects are not followed.")),
        (400, Outcome("HTTP 400.")),
        (404, Outcome("HTTP 404.")),
        (410, Outcome("HTTP 410: the receiver is gone for good.", final=True)),
        (429, Outcome("HTTP 429.")),
        (500, Outcome("HTTP 500.")),
    ],
)
def test_a_reply_is_known_by_its_status(status: int, came: Outcome) -> None:
    with receiving(Reply(status=status)) as receiver:
        assert sender().send(to(receiver.url())) == came


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with receiving() as inside, receiving(Reply(status=status, headers={"Location": inside.url("/admin")})) as receiver:
        assert "redirects are not followed" in str(sender().send(to(receiver.url())).error)

    assert inside.seen == []


def test_a_huge_reply_is_not_taken_in() -> None:
    with receiving(Reply(claimed=10**12, endless=True), Reply(body=b"x", claimed=10**12)) as receiver:
        came, seconds = took(lambda: sender().send(to(receiver.url())))
        assert came == Outcome() and seconds < PATIENT / 2
        came, seconds = took(lambda: sender(seconds=SECONDS).send(to(receiver.url())))
        assert came == Outcome() and seconds < SECONDS + SLACK


def slow(came: Outcome) -> bool:
    return came.error == f"It took longer than {SECONDS:g} s." and came.silent and not came.final


def test_a_receiver_that_hangs_is_left_in_time() -> None:
    with receiving(Reply(hold=threading.Event())) as receiver:
        came, seconds = took(lambda: sender(seconds=SECONDS).send(to(receiver.url())))

    assert slow(came) and seconds < SECONDS + SLACK


def test_a_receiver_that_says_a_letter_at_a_time_is_left_in_time() -> None:
    with receiving(Reply(trickle=threading.Event())) as receiver:
        came, seconds = took(lambda: sender(seconds=SECONDS).send(to(receiver.url())))

    assert slow(came) and seconds < SECONDS + SLACK


def test_a_name_server_that_says_nothing_is_left_in_time_and_not_asked_by_more_than_a_few() -> None:
    stuck, asked = threading.Event(), list[str]()

    def look_up(host: str, port: int) -> list[Address]:
        asked.append(host)
        stuck.wait(30)
        return []

    own = sender(seconds=SECONDS, resolver=Resolver(look_up, at_once=2))
    try:
        for _ in range(3):
            came, seconds = took(lambda: own.send(to(f"https://{NAME}/")))
            assert came.silent and came.error == "The name of its host leads nowhere." and seconds < SECONDS + SLACK
        assert asked == [NAME, NAME]
    finally:
        stuck.set()


def test_nobody_there_is_told_from_somebody_who_refuses() -> None:
    with receiving() as receiver:
        url = receiver.url()
    came = sender().send(to(url))
    assert came == Outcome("It can't be connected to, or ended the connection.", silent=True)

    with receiving(Reply(raw=b"SSH-2.0-OpenSSH_9.6\r\n\r\n")) as receiver:
        assert sender().send(to(receiver.url())) == Outcome("What it answers is no HTTP.")
    with receiving(Reply(raw=b"")) as receiver:
        assert sender().send(to(receiver.url())).error is not None


def test_a_name_that_does_not_exist_leads_nowhere() -> None:
    def look_up(host: str, port: int) -> list[Address]:
        raise OSError("Name or service not known")

    came = sender(resolver=Resolver(look_up)).send(to(f"https://{NAME}/"))

    assert came == Outcome("The name of its host leads nowhere.", silent=True)


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["::ffff:127.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["127.0.0.1", "93.184.216.34"], ["10.1.1.1"]],
)
def test_a_name_that_leads_inside_is_not_connected_to(addresses: list[str], receiver: Receiver) -> None:
    url = f"https://{NAME}:{receiver.server_port}/"

    came = sender(PUBLIC, resolver=resolving(addresses)).send(to(url, allowed=PUBLIC))

    assert came == Outcome("Its address is none that callbacks may go to.")
    assert receiver.seen == [] and receiver.names == []


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "017700000001", "localhost", "0"])
def test_what_systems_read_as_an_address_is_checked_as_one(host: str, receiver: Receiver) -> None:
    """Should one ever come by what checks a URL: here the system itself is asked where it leads."""
    request = to(f"http://{NAME}:{receiver.server_port}/")
    outside = Outgoing(
        method="POST",
        target=type(request.target)(**{**vars(request.target), "host": host}),
        headers=request.headers,
        content=request.content,
    )

    came = sender(PUBLIC).send(outside)

    assert came.error is not None and receiver.seen == []


def test_a_name_is_asked_for_once_and_what_was_checked_is_connected_to(receiver: Receiver) -> None:
    """Whoever says one address to be checked and another to be connected to is asked once."""
    rebinding = resolving(["127.0.0.1"], ["10.255.255.1"])
    url = f"http://{NAME}:{receiver.server_port}/hook"

    assert sender(LOOPBACK, resolver=rebinding).send(to(url)) == Outcome()
    assert receiver.seen[0].headers["Host"] == f"{NAME}:{receiver.server_port}"
    came = sender(LOOPBACK, resolver=resolving(["10.255.255.1"])).send(to(url))
    assert came == Outcome("Its address is none that callbacks may go to.")


def test_an_address_where_nobody_is_keeps_nobody_from_the_next(receiver: Receiver) -> None:
    url = f"http://{NAME}:{receiver.server_port}/hook"

    assert sender(LOOPBACK, resolver=resolving(["127.0.0.2", "127.0.0.1"])).send(to(url)) == Outcome()


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as proxy, receiving() as receiver:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url(""))
        assert sender().send(to(receiver.url())) == Outcome()

    assert proxy.seen == [] and len(receiver.seen) == 1


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


# Encryption


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that vouches for itself, for NAME, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    file = tmp_path_factory.mktemp("certificate") / "own.pem"
    file.write_bytes(made.public_bytes(pem) + key.private_bytes(pem, pkcs8, serialization.NoEncryption()))
    return file


def encrypted(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_what_is_encrypted_is_for_the_name_whatever_address_it_has(certificate: Path) -> None:
    trust = ssl.create_default_context(cafile=str(certificate))
    with receiving(context=encrypted(certificate)) as receiver:
        own = Sender(LOOPBACK, seconds=PATIENT, resolver=resolving(["127.0.0.1"]), trust=trust)
        assert own.send(to(receiver.url(host=NAME))) == Outcome()
        assert receiver.names == [NAME]
        assert receiver.seen[0].headers["Host"] == f"{NAME}:{receiver.server_port}"

        for other in ("other.example.com", "127.0.0.1"):
            came = own.send(to(receiver.url(host=other)))
            assert came.silent and "its certificate is not valid" in str(came.error)
        assert len(receiver.seen) == 1


def test_a_certificate_of_nobody_we_trust_is_refused(certificate: Path) -> None:
    with receiving(context=encrypted(certificate)) as receiver:
        came = sender(resolver=resolving(["127.0.0.1"])).send(to(receiver.url(host=NAME)))

    assert "its certificate is not valid" in str(came.error) and receiver.seen == []


def test_nothing_is_told_to_who_does_not_encrypt(receiver: Receiver) -> None:
    came = sender(seconds=1.0).send(to(f"https://127.0.0.1:{receiver.server_port}/"))

    assert came.silent and came.error is not None and receiver.seen == []
