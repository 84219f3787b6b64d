"""The tables about tenants: what they may say, and that what is wrong is told with its line."""

from pathlib import Path

import pytest

from mcp_memory import settings
from mcp_memory.errors import Invalid
from mcp_memory.settings import Settings, of_backend
from mcp_memory.tenancy.keys import digest
from mcp_memory.tenancy.tenants import Limits
from mcp_memory.tenancy.toml_lines import line_of

GOOD = """\
port = 9000

[limits]
requests_per_minute = 600

[backends.eu]
data_dir = "eu"

[backends.managed]
backend = "twilio"
twilio_key_id = "SK1"
twilio_key_secret_env = "MANAGED_SECRET"

[tenants.acme]
backend = "eu"
stores = ["store-production", "store-development"]
limits = { profiles = 1000 }
keys = [
  { id = "acme-agent", secret_env = "ACME_SECRET", store = "store-development", scopes = ["memory:read"] },
]

[tenants.globex]
backend = "managed"
stores = ["globex"]

[[tenants.globex.keys]]
id = "globex-agent"
secret_sha256 = "{digest}"

[[issuers]]
url = "https://login.example.com"
audiences = ["https://memory.example.com/mcp"]
tenant_claim = "org"
""".replace("{digest}", digest("a-secret-of-globex").hex())
ENVIRON = {"MANAGED_SECRET": "the-secret-of-the-service", "ACME_SECRET": "the-secret-of-acme"}


def load(folder: Path, text: str, **environ: str) -> Settings:
    path = folder / "memory.toml"
    path.write_text(text, encoding="utf-8")
    return settings.load({"config": str(path)}, environ)


def test_all_of_it_is_read(tmp_path: Path) -> None:
    loaded = load(tmp_path, GOOD, **ENVIRON)
    acme, globex = loaded.hosting.tenants["acme"], loaded.hosting.tenants["globex"]

    assert (acme.stores, acme.limits) == (("store-production", "store-development"), Limits(profiles=1000))
    assert loaded.hosting.limits == Limits(requests_per_minute=600)
    assert loaded.hosting.keys["acme-agent"].scopes == ("memory:read",)
    assert loaded.hosting.keys["acme-agent"].digest == digest("the-secret-of-acme")
    assert loaded.hosting.keys["globex-agent"].tenant == "globex"
    assert [one.url for one in loaded.hosting.issuers] == ["https://login.example.com"]
    assert of_backend(loaded, acme).data_dir == tmp_path / "eu"
    managed = of_backend(loaded, globex)
    assert (managed.backend, managed.twilio_store, managed.tenant) == ("twilio", "globex", "globex")
    assert managed.twilio_key_secret == "the-secret-of-the-service"
    assert not any(secret in repr(loaded) for secret in ENVIRON.values())


def test_two_tenants_have_one_store_of_a_service_only_if_both_say_so(tmp_path: Path) -> None:
    both = GOOD.replace('stores = ["globex"]', 'stores = ["globex"]\nshared = true')
    other = '\n[tenants.initech]\nbackend = "managed"\nstores = ["globex"]\n'

    assert "initech" in load(tmp_path, both + other + "shared = true\n", **ENVIRON).hosting.tenants
    with pytest.raises(Invalid, match=r"line 37: tenants.initech.stores: globex is the store of tenant globex too"):
        load(tmp_path, GOOD + other, **ENVIRON)
    with pytest.raises(Invalid, match="`shared = true` in both says so"):
        load(tmp_path, both + other, **ENVIRON)


@pytest.mark.parametrize(
    ("before", "after", "line", "said"),
    [
        ('backend = "eu"', 'backend = "mysql"', 15, "tenants.acme.backend: must be one of default, eu, managed"),
        ('backend = "twilio"', 'backend = "mysql"', 10, "backends.managed: backend must be sqlite or twilio"),
        ('backend = "eu"', "backend = 5", 15, "tenants.acme: backend must be a text"),
        ('"ACME_SECRET"', '"NOWHERE"', 18, "secret_env names"),
        ('"MANAGED_SECRET"', '"NOWHERE"', 12, "twilio_key_secret_env names"),
        ('secret_env = "ACME_SECRET", ', "", 18, "a key must have one of secret_env, secret_sha256 and secret"),
        ('secret_sha256 = "', 'secret_sha256 = "00', 28, "64 hexadecimal digits"),
        ('twilio_key_id = "SK1"\n', "", 10, "twilio_key_id, twilio_key_secret and twilio_store must be set"),
        ('data_dir = "eu"', 'data_dir = "eu"\ntwilio_store = "x"', 8, "twilio_store can't be set here"),
        ("[tenants.acme]", "[tenants.ACME]", 14, "must be a name of 1 to 64"),
        ("[tenants.acme]", "[tenants.acme]\ncolour = 1", 15, "colour is no setting"),
        ("limits = { profiles = 1000 }", "limits = { profils = 1 }", 17, "profils is no limit"),
        ("limits = { profiles = 1000 }", "limits = { profiles = 0 }", 17, "profiles must be a whole number from 1"),
        ("requests_per_minute = 600", 'requests_per_minute = "600"', 4, "must be a whole number from 1"),
        ('store = "store-development"', 'store = "other"', 18, "store must be one of the tenant's stores"),
        ('scopes = ["memory:read"]', 'scopes = ["memory:raed"]', 18, "scopes must be one or more of memory:read"),
        ('scopes = ["memory:read"]', "scopes = []", 18, "scopes must be one or more"),
        ('id = "globex-agent"', 'id = "acme-agent"', 26, "there are two keys acme-agent"),
        ('stores = ["globex"]', 'stores = ["globex", "globex"]', 24, "names a store twice"),
        ('stores = ["globex"]', "stores = []", 24, "stores must be 1 to 15 names"),
        ('stores = ["globex"]', 'stores = "globex"', 24, "stores must be 1 to 15 names"),
        ("[limits]", "[limitz]", 3, "limitz is no setting"),
        ('tenant_claim = "org"', 'tenant_claim = "org"\ntenant = "acme"', 30, "tenant"),
        ('url = "https://', 'url = "http://', 30, "url"),
    ],
)
def test_what_is_wrong_is_refused_with_the_line_to_mend(
    tmp_path: Path, before: str, after: str, line: int, said: str
) -> None:
    assert before in GOOD
    with pytest.raises(Invalid) as refused:
        load(tmp_path, GOOD.replace(before, after, 1), **ENVIRON)

    assert f"memory.toml, line {line}: " in str(refused.value) and said in str(refused.value)
    assert not any(secret in str(refused.value) for secret in ENVIRON.values())


def test_two_places_are_two_folders(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"backends.us: data_dir must be a folder of its own"):
        load(tmp_path, '[backends.eu]\ndata_dir = "x"\n[backends.us]\ndata_dir = "./x/../x"\n')


def test_a_server_with_one_key_has_one_tenant_whose_it_all_is(tmp_path: Path) -> None:
    loaded = load(tmp_path, 'tenant = "Shop"\napi_key_id = "SK1"\napi_key_secret = "a-secret-of-tests"\n')

    assert loaded.hosting.keys["SK1"].tenant == "Shop" == loaded.hosting.sole
    assert loaded.hosting.reach(loaded.hosting.tenants["Shop"]) is None


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("port",), 1),
        (("tenants", "acme"), 14),
        (("tenants", "acme", "stores", 1), 16),
        (("tenants", "acme", "nothing"), 14),
        (("tenants", "globex", "keys", 0, "id"), 27),
        (("issuers", 0, "url"), 31),
        (("nowhere",), 1),
    ],
)
def test_a_line_is_found_or_that_of_what_it_stands_in(path: tuple[str | int, ...], line: int) -> None:
    assert line_of(GOOD, path) == line
