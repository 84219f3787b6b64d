"""The examples of config/, served; configurations that are edited meanwhile, and those that no server starts on."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from mcp_memory import settings
from mcp_memory.errors import Error
from tests.issuers import TokenIssuer, serving, signing_key

from .servers import ANSWER_SECONDS, Home, Http, http_server, make_home, new_profile, stdio_server, until
from .tenants import PHONE, STORES, Operator, asking, becomes, holding, logged, mcp, recalled, remember, status, stores
from .test_tls import made

pytestmark = pytest.mark.anyio

CONFIG = Path(__file__).parent.parent.parent / "config"
EXAMPLES = sorted(CONFIG.glob("*.toml"))
HERE = ("--host", "127.0.0.1")
SECRET = "a-secret-of-tests-only"


def secrets(text: str) -> dict[str, str]:
    """What a file takes from the environment."""
    return {name: f"{SECRET}-{name.lower()}" for name in re.findall(r'^\w+_env = "(\w+)"', text, flags=re.MULTILINE)}


def token(key_id: str, environ: Mapping[str, str], name: str) -> str:
    return f"{key_id}.{environ[name]}"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_is_a_configuration_and_says_what_it_takes_from_the_environment(path: Path) -> None:
    environ = secrets(path.read_text(encoding="utf-8"))

    loaded = settings.load({"config": str(path)}, environ)

    assert loaded.config == path
    for name in environ:
        with pytest.raises(Error, match=rf"{path.name}, line \d+: .*{name}, which the environment does not have"):
            settings.load({"config": str(path)}, {other: environ[other] for other in environ if other != name})


def test_the_desktops_example_serves_a_host_on_pipes(home: Home) -> None:
    with stdio_server(home, env={"MCP_MEMORY_CONFIG": str(CONFIG / "desktop.example.toml")}) as server:
        new_profile(server)
        tools = {one["name"] for one in server.request("tools/list")["tools"]}

    assert "record_messages" in tools and "merge_profiles" not in tools


async def test_the_example_of_one_company_serves_its_keys_over_tls(home: Home) -> None:
    text = (CONFIG / "single-company.example.toml").read_text(encoding="utf-8")
    path, environ = home.root / "memory.toml", secrets(text)
    path.write_text(text, encoding="utf-8")
    pair = made(home.root, "certificate")
    pair.key.rename(home.root / "key.pem")
    with http_server(home, environ, "--config", str(path), *HERE) as http:
        assert http.address.startswith("https://")
        agents = token("agents", environ, "MEMORY_SECRET_AGENTS")
        dashboard = token("dashboard", environ, "MEMORY_SECRET_DASHBOARD")
        job = token("crm-job", environ, "MEMORY_SECRET_CRM_JOB")
        for mode in ("legacy", "2026-07-28"):
            async with mcp(http, agents, mode=mode, sending={"verify": pair.trusted}) as client:
                await remember(client, f"Asked in {mode}")
        async with mcp(http, dashboard, sending={"verify": pair.trusted}) as client:
            assert "Asked in 2026-07-28" in await recalled(client)
        codes = []
        for shown in (agents, dashboard, job, f"agents.{SECRET}", ""):
            async with asking(http, shown, verify=pair.trusted) as client:
                codes.append((await client.post(STORES, json={"displayName": "another"})).status_code)

    assert codes == [403, 403, 202, 401, 401]
    assert holding(home.root, "Asked in legacy") == {"data"}  # beside the file, as it says


SERVICE = {"MCP_MEMORY_API_KEY_ID": "SKof-the-service", "MCP_MEMORY_API_KEY_SECRET": SECRET}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Http]:
    """The managed service, played by a server of ours, with stores of several of its customers."""
    with http_server(make_home(tmp_path_factory.mktemp("service") / "machine"), SERVICE) as http:
        for name in ("initech", "hooli", "default"):
            made = httpx2.post(
                f"{http.address}{STORES}",
                json={"displayName": name},
                auth=("SKof-the-service", SECRET),
                timeout=ANSWER_SECONDS,
            )
            assert made.status_code == 202, made.text
        yield http


@pytest.fixture(scope="module")
def issuer() -> Iterator[TokenIssuer]:
    with serving([signing_key("umbrella")]) as issuer:
        yield issuer


@contextmanager
def many(home: Home, service: Http, issuer: TokenIssuer) -> Iterator[tuple[Http, dict[str, str]]]:
    """The example of many tenants as it stands, but for the addresses of others, and the hash of a secret of ours."""
    text = (CONFIG / "multi-tenant.example.toml").read_text(encoding="utf-8")
    environ = {**secrets(text), "TWILIO_KEY_ID": "SKof-the-service", "TWILIO_KEY_SECRET": SECRET}
    for what, instead in (
        (r'^twilio_region = "ie1"$', f'twilio_base_url = "{service.address}"'),
        (r'^url = "https://login.umbrella.example"', f'url = "{issuer.url}"'),
        (r'^secret_sha256 = "[0-9a-f]{64}"$', f'secret_sha256 = "{hashlib.sha256(SECRET.encode()).hexdigest()}"'),
    ):
        text, count = re.subn(what, instead, text, flags=re.MULTILINE)
        assert count == 1, what
    path = home.root / "memory.toml"
    path.write_text(text, encoding="utf-8")
    with http_server(home, environ, "--config", str(path), *HERE) as http:
        yield http, environ


async def test_the_example_of_many_tenants_serves_each_of_them_apart(
    home: Home, service: Http, issuer: TokenIssuer
) -> None:
    with many(home, service, issuer) as (http, environ):
        shown = {
            "acme": token("acme-production", environ, "ACME_PRODUCTION_SECRET"),
            "acme-dev": token("acme-development", environ, "ACME_DEVELOPMENT_SECRET"),
            "sales": f"globex-sales.{SECRET}",
            "service": token("globex-service", environ, "GLOBEX_SERVICE_SECRET"),
            "initech": token("initech", environ, "INITECH_SECRET"),
            "umbrella": issuer.token(aud="https://memory.example.com/mcp", scope="memory:write"),
        }
        for number, (name, sent) in enumerate(shown.items()):
            mode = ("legacy", "2026-07-28")[number % 2]
            async with mcp(http, sent, mode=mode) as client:
                assert await recalled(client) == "", name
                await remember(client, f"Told-{name}-alone")
                assert "alone" in await recalled(client)
        reached = {name: list(await stores(http, sent)) for name, sent in shown.items()}

    assert await status(service, path="/health") == 200
    assert reached == {
        "acme": ["store-production"],
        "acme-dev": ["store-development"],
        "sales": ["default"],
        "service": ["default"],
        "initech": ["initech"],  # not hooli, and not the service's own default
        "umbrella": ["default"],
    }
    places = {name: holding(home.root, f"Told-{name}-alone") for name in shown}
    assert places == {
        "acme": {"data-eu"},
        "acme-dev": {"data-eu"},
        "sales": {"data-us"},
        "service": {"data-us"},
        "initech": set(),
        "umbrella": {"data-eu"},
    }


MANAGED = """\
data_dir = "data"
[backends.managed]
backend = "twilio"
twilio_key_id = "SKof-the-service"
twilio_key_secret_env = "SERVICE_SECRET"
twilio_base_url = "{address}"
[tenants.initech]
backend = "managed"
stores = ["initech"]
{shared}
[[tenants.initech.keys]]
id = "initech"
secret_env = "SECRET"
[tenants.hooli]
backend = "managed"
stores = ["{store}"]
{shared}
[[tenants.hooli.keys]]
id = "hooli"
secret_env = "SECRET"
"""


async def test_tenants_of_one_managed_account_see_their_own_stores_alone(home: Home, service: Http) -> None:
    path, environ = home.root / "memory.toml", {"SERVICE_SECRET": SECRET, "SECRET": SECRET}
    path.write_text(MANAGED.format(address=service.address, store="hooli", shared=""), encoding="utf-8")
    with http_server(home, environ, "--config", str(path)) as http:
        tokens = {name: f"{name}.{SECRET}" for name in ("initech", "hooli")}
        for name, sent in tokens.items():
            async with mcp(http, sent) as client:
                await remember(client, f"Of {name}", "+13175550301")
        for name, sent in tokens.items():
            assert list(await stores(http, sent)) == [name]
            async with mcp(http, sent, mode="2026-07-28") as client:
                assert await recalled(client, "+13175550301") != ""
        (foreign,) = (await stores(http, tokens["hooli"])).values()
        async with asking(http, tokens["initech"]) as client:
            refused = [await client.get(f"{STORES}/{foreign}"), await client.get(f"/v1/Stores/{foreign}/Profiles")]

    assert [one.status_code for one in refused] == [404, 404]


async def test_tenants_on_one_store_of_a_managed_account_are_refused_unless_both_say_so(
    home: Home, service: Http
) -> None:
    path, environ = home.root / "memory.toml", {"SERVICE_SECRET": SECRET, "SECRET": SECRET}
    path.write_text(MANAGED.format(address=service.address, store="initech", shared=""), encoding="utf-8")
    refused = home.run("serve", "--port", "0", "--config", str(path), env=environ)
    path.write_text(MANAGED.format(address=service.address, store="initech", shared="shared = true"), encoding="utf-8")
    with http_server(home, environ, "--config", str(path)) as http:
        async with mcp(http, f"initech.{SECRET}") as client:
            await remember(client, "Shared knowingly", "+13175550302")
        async with mcp(http, f"hooli.{SECRET}") as client:
            assert "Shared knowingly" in await recalled(client, "+13175550302")

    assert (refused.returncode, refused.stdout) == (2, "")
    assert "memory.toml, line 16: tenants.hooli.stores: initech is the store of tenant initech too" in refused.stderr


WRONG = {
    "unknown backend": ('[tenants.acme]\nstores = ["a"]\nbackend = "mars"', 3, "must be one of default"),
    "missing secret": ('[[tenants.acme.keys]]\nid = "k"\nsecret_env = "NOWHERE"', 3, "NOWHERE, which the environment"),
    "short secret": ('[[tenants.acme.keys]]\nid = "k"\nsecret = "hunter2"', 3, "16 to 512"),
    "no secret": ('[[tenants.acme.keys]]\nid = "k"', 1, "secret_env, secret_sha256 and secret"),
    "two keys of one id": (
        f'[[tenants.acme.keys]]\nid = "k"\nsecret = "{SECRET}"\n[[tenants.globex.keys]]\nid = "k"\nsecret = "{SECRET}"',
        4,
        "two keys k",
    ),
    "key for another's store": (f'[[tenants.acme.keys]]\nid = "k"\nstore = "x"\nsecret = "{SECRET}"', 1, "store must"),
    "unknown scope": (f'[[tenants.acme.keys]]\nid = "k"\nscopes = ["all"]\nsecret = "{SECRET}"', 1, "scopes must"),
    "unknown limit": ("[tenants.acme.limits]\nrequests = 5", 2, "requests is no limit"),
    "limit of nothing": ("[limits]\nprofiles = 0", 2, "whole number from 1"),
    "unknown word": ("[tenants.acme]\ncolour = 1", 2, "colour is no setting"),
    "name": ("[tenants.Acme]", 1, "small letters"),
    "one folder for two": ('data_dir = "d"\n[backends.eu]\ndata_dir = "d"', 3, "a folder of its own"),
    "issuer without encryption": (
        '[[issuers]]\nurl = "http://login.example.com"\naudiences = ["x"]\ntenant = "acme"',
        1,
        "must begin with https://",
    ),
    "issuer of nobody": ('[[issuers]]\nurl = "https://login.example.com"\naudiences = ["x"]', 1, "tenant_claim"),
}


@pytest.mark.parametrize("what", WRONG)
def test_no_server_starts_on_a_configuration_that_is_wrong_and_its_line_is_named(tmp_path: Path, what: str) -> None:
    text, line, complaint = WRONG[what]
    path = tmp_path / "memory.toml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(Error) as refused:
        settings.load({"config": str(path)}, {})

    assert str(refused.value).startswith(f"{path}, line {line}: ") and complaint in str(refused.value)
    assert "hunter2" not in str(refused.value) and SECRET not in str(refused.value)


def test_the_command_ends_with_2_and_names_the_line(home: Home) -> None:
    path = home.root / "memory.toml"
    for what in ("unknown backend", "missing secret"):
        text, line, complaint = WRONG[what]
        path.write_text(text, encoding="utf-8")

        refused = home.run("serve", "--port", "0", "--config", str(path))

        assert (refused.returncode, refused.stdout) == (2, "")
        assert f"memory.toml, line {line}: " in refused.stderr and complaint in refused.stderr
        assert "Traceback" not in refused.stderr
    assert not list(home.root.glob("*/catalog.db"))


async def test_no_server_starts_with_a_tenant_in_the_configuration_and_in_the_catalog(home: Home) -> None:
    path = home.root / "memory.toml"
    await Operator(home).add("acme")
    path.write_text('data_dir = "data"\n\n[tenants.globex]\n[tenants.acme]\n', encoding="utf-8")

    refused = home.run("serve", "--port", "0", "--config", str(path))

    assert (refused.returncode, refused.stdout) == (2, "")
    assert "memory.toml, line 4: " in refused.stderr
    assert "Tenant acme is in the configuration and in the catalog" in refused.stderr


BEFORE = """\
data_dir = "data"
[tenants.acme]
[[tenants.acme.keys]]
id = "acme"
secret = "a-secret-of-tests-only"
"""
MORE = """\
[[tenants.acme.keys]]
id = "acme-2"
secret = "a-secret-of-tests-only"
[tenants.globex]
[[tenants.globex.keys]]
id = "globex"
secret = "a-secret-of-tests-only"
"""


async def test_what_is_edited_while_it_serves_holds_within_seconds(home: Home, issuer: TokenIssuer) -> None:
    path = home.root / "memory.toml"
    path.write_text(BEFORE, encoding="utf-8")
    acme, second, globex = (f"{name}.{SECRET}" for name in ("acme", "acme-2", "globex"))
    jwt = issuer.token(aud="here", scope="memory:read")

    async def answers(sent: str, expected: int) -> None:
        async def met() -> bool:
            return await status(http, sent) == expected

        await becomes(met)

    with http_server(home, None, "--config", str(path)) as http:
        assert [await status(http, one) for one in (acme, second, globex, jwt)] == [200, 401, 401, 401]
        path.write_text(BEFORE + MORE, encoding="utf-8")
        await answers(globex, 200)
        assert await status(http, second) == 200
        trusted = f'[[issuers]]\nurl = "{issuer.url}"\naudiences = ["here"]\ntenant = "globex"\n'
        path.write_text(BEFORE + MORE + trusted, encoding="utf-8")
        await answers(jwt, 200)

        path.write_text(BEFORE + MORE + trusted + '[tenants.initech]\nbackend = "mars"\n', encoding="utf-8")
        complaint = logged(http, "is wrong, so what was before stays in force")
        assert [await status(http, one) for one in (acme, second, globex, jwt)] == [200] * 4
        assert f"memory.toml, line {len((BEFORE + MORE + trusted).splitlines()) + 2}: " in complaint
        assert "tenants.initech.backend: must be one of default" in complaint

        async with mcp(http, acme) as client:
            await remember(client, "Said before the limit", PHONE)
            path.write_text(BEFORE + "[limits]\nrequests_per_minute = 1\n", encoding="utf-8")
            await answers(globex, 401)
            told = [await client.call_tool("lookup_profile", {"value": PHONE}) for _ in range(2)]
        assert [await status(http, one) for one in (second, jwt)] == [401, 401]
        assert told[1].is_error and "requests a minute" in str(told[1].content)
        path.write_text('data_dir = "data"\nauthentication = "on"\n', encoding="utf-8")
        await answers(acme, 401)

    assert SECRET not in http.stderr and "Traceback" not in http.stderr


async def test_a_tenant_that_is_moved_while_it_serves_is_served_where_its_data_is_to_be(home: Home) -> None:
    path = home.root / "memory.toml"
    text = '[backends.eu]\ndata_dir = "eu"\n[backends.us]\ndata_dir = "us"\n' + BEFORE.partition("\n")[2]
    path.write_text('data_dir = "data"\n' + text.replace("[tenants.acme]", '[tenants.acme]\nbackend = "eu"'), "utf-8")
    acme = f"acme.{SECRET}"
    with http_server(home, None, "--config", str(path)) as http:
        async with mcp(http, acme) as client:
            await remember(client, "Said in the old world")
            moved = text.replace("[tenants.acme]", '[tenants.acme]\nbackend = "us"')
            path.write_text('data_dir = "data"\n' + moved, encoding="utf-8")
            logged(http, "holds now")
            assert await recalled(client) == ""
            await remember(client, "Said in the new world")

            path.write_text(
                ('data_dir = "data"\n' + moved).replace('"us"\n[tenants', '"mars"\n[tenants'), encoding="utf-8"
            )
            until(lambda: http.stderr.count("holds now") == 2)
            assert await recalled(client) == ""
            await remember(client, "Said on another planet")

    words = ("old world", "new world", "another planet")
    assert [holding(home.root, one) for one in words] == [{"eu"}, {"us"}, {"mars"}]
