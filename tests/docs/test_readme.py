"""What README says, executed."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

from mcp_memory import resources, settings
from mcp_memory.errors import Conflict, Forbidden, Invalid, Limited, NotFound, Unavailable, Unsupported
from mcp_memory.prompts import PROMPTS
from mcp_memory.rights import RIGHTS
from mcp_memory.server import INTERNAL
from mcp_memory.settings import Settings
from mcp_memory.settings.remote import EXTRACTORS
from mcp_memory.tenancy.tenants import LIMIT_NAMES
from mcp_memory.tools.toolsets import AGENT, CURATOR
from tests.process.servers import http_server, make_home

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
TWILIO = ROOT / ".venv-conformance" / "bin" / "python"
PYTHON = "/path/to/mcp-memory/.venv/bin/python"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


def table(first_header: str) -> list[list[str]]:
    """The rows of the table whose first column has this header."""
    found = re.search(rf"^\| {first_header} \|.*\n\|[-| ]+\n((?:\|.*\n)+)", README, flags=re.MULTILINE)
    assert found, f"no table of {first_header}"
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in found[1].splitlines()]


def test_the_kinds_of_error_are_those_of_the_code() -> None:
    codes = {kind.code for kind in (Invalid, NotFound, Conflict, Forbidden, Limited, Unsupported, Unavailable)}

    assert {row[0].strip("`") for row in table("it starts with")} == codes | {"internal"}
    assert INTERNAL.startswith("internal: ")


def run(*command: str, folder: Path | None = None, **env: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MCP_MEMORY_")}
    environ = {**kept, **env}
    if folder is not None:
        environ["MCP_MEMORY_DATA_DIR"] = str(folder)
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def masked(text: str) -> str:
    """Without what differs from run to run: ids, times, and scores, whose last digit depends on the processor."""
    text = re.sub(r"(mem_[a-z]+)_[0-9a-z]{26}", r"\1_…", text)
    text = re.sub(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2})?(Z|\+00:00))?", "<time>", text)
    return re.sub(r"- 0\.\d\d ", "- <score> ", text).strip()


@pytest.mark.skipif(sys.platform == "win32", reason="needs make")
def test_make_demo_prints_what_readme_shows_and_leaves_nothing(tmp_path: Path) -> None:
    printed = run("make", "--silent", "demo", HOME=str(tmp_path), TMPDIR=str(tmp_path))

    assert masked(printed) == masked(blocks("text")[0])
    assert [path for path in tmp_path.rglob("*") if "mcp-memory" in path.name] == []


def test_the_two_commands_are_those_of_the_makefile() -> None:
    commands = re.findall(r"^    (make \w+)$", README, flags=re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    assert commands == ["make demo", "make test"]
    for target in re.findall(r"`make (\w+)`", README):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def stdio_configurations() -> list[dict[str, Any]]:
    parsed = [json.loads(block) for block in blocks("json") if "servers" in block.lower()]
    servers = [server for one in parsed for server in next(iter(one.values())).values()]
    (claude,) = re.findall(r"^claude mcp add memory -- (.*)$", README, flags=re.MULTILINE)
    command, *arguments = claude.split()
    return [*(one for one in servers if "command" in one), {"command": command, "args": arguments}]


@pytest.mark.anyio
@pytest.mark.parametrize("configured", stdio_configurations())
async def test_a_host_configured_like_this_gets_the_tools(configured: dict[str, Any], tmp_path: Path) -> None:
    assert configured["command"] == PYTHON
    server = StdioServerParameters(
        command=sys.executable, args=configured["args"], env={"MCP_MEMORY_DATA_DIR": str(tmp_path)}
    )
    async with Client(server) as client:
        assert len((await client.list_tools()).tools) == len(AGENT)


def test_the_address_for_http_hosts_is_the_default_one() -> None:
    configured, elsewhere = [json.loads(block) for block in blocks("json") if "url" in block]

    assert elsewhere["servers"]["memory"]["headers"]["Authorization"].startswith("Bearer ")
    assert configured["servers"]["memory"]["url"] == f"http://{Settings().host}:{Settings().port}/mcp"


def test_the_tables_name_what_there_is() -> None:
    assert [row[0] for row in table("tool")] == [f"`{tool.name}`" for tool in AGENT]
    assert [row[0] for row in table("curator's tool")] == [f"`{tool.name}`" for tool in CURATOR]
    assert [row[0] for row in table("resource")] == [f"`{one.uri}`" for one in resources.RESOURCES]
    assert all(f"`{prompt.name}`" in README for prompt in PROMPTS)


def test_the_cost_of_the_tools_is_what_readme_says() -> None:
    claimed = int(re.findall(r"cost a model about ([\d,]+) tokens", README)[0].replace(",", ""))
    listed = (ROOT / "tests" / "edges" / "tools.json").read_text(encoding="utf-8")

    assert abs(len(json.dumps(json.loads(listed), separators=(",", ":"))) / 4 - claimed) < 100


def test_the_table_of_settings_is_that_of_the_code() -> None:
    expected = [
        [
            f"`{one.name}`",
            f"`{settings.PREFIX}{one.name.upper()}`",
            "" if one.default in (MISSING, None) else f"`{one.default}`",
            one.metadata["meaning"],
        ]
        for one in fields(Settings)
        if one.name in settings.NAMES
    ]

    assert table("in the file") == expected


def test_the_settings_take_the_language_models_of_the_table() -> None:
    rows = [[cell.strip("`") for cell in row[1:]] for row in table("runner")]

    for kind, url in rows:
        given = {"EXTRACTION": kind, "EXTRACTION_URL": url, "EXTRACTION_MODEL": "any"}
        loaded = settings.load({}, {f"{settings.PREFIX}{name}": value for name, value in given.items()})
        assert (loaded.extraction, loaded.extraction_url) == (kind, url)
    assert {kind for kind, _ in rows} | {"rules"} == set(EXTRACTORS)


def test_the_example_configuration_holds_every_setting_at_its_default() -> None:
    text = (ROOT / "config" / "mcp-memory.example.toml").read_text(encoding="utf-8")
    loaded = settings.load({"config": str(ROOT / "config" / "mcp-memory.example.toml")}, {})

    assert [getattr(loaded, name) for name in settings.NAMES] == [getattr(Settings(), name) for name in settings.NAMES]
    assert set(re.findall(r"^(?:# )?(\w+) = ", text, flags=re.MULTILINE)) == set(settings.NAMES)


def test_every_command_exists_and_explains_itself() -> None:
    for command, _ in table("command"):
        words = command.strip("`").split()[1:]
        assert run(sys.executable, "-m", "mcp_memory", *words, "--help").startswith("usage: mcp-memory")
    listed = {command.strip("`").removeprefix("mcp-memory").strip() for command, _ in table("command")}
    helped = re.findall(r"^    ([\w-]+) ", run(sys.executable, "-m", "mcp_memory", "--help"), flags=re.MULTILINE)
    assert listed - {""} == set(helped)


def test_the_store_command_does_what_readme_says(tmp_path: Path) -> None:
    printed = run(sys.executable, "-m", "mcp_memory", "store", "--undeclared-traits", "refuse", folder=tmp_path)

    assert json.loads(printed)["undeclared_traits"] == "refuse"


def test_customers_are_recognised_by_an_id_of_ones_own_as_readme_says(tmp_path: Path) -> None:
    def memory(*words: str) -> str:
        return run(sys.executable, "-m", "mcp_memory", *words, folder=tmp_path)

    rules, group = (block for block in blocks("json") if "servers" not in block.lower())
    for command, body in (("identity", rules), ("trait-groups", group)):
        (tmp_path / "body.json").write_text(body, encoding="utf-8")
        memory(command, "--set", str(tmp_path / "body.json"))
    (tmp_path / "customers.csv").write_text(
        "Account.userId,Mobile,First Name,Loyalty.tier\nu-1,(317) 555-0142,Dana,gold\nu-2,317-555-0142,Lee,\\N\n",
        encoding="utf-8",
    )

    printed = memory("import", str(tmp_path / "customers.csv"), "--map", "Mobile=Contact.phone")

    assert printed.startswith("COMPLETED: 2 rows, 2 created, 0 updated, 0 refused")
    assert '"Dana"' in memory("profiles", "find", "+13175550142")
    explained = memory("profiles", "explain", json.loads(memory("profiles", "find", "u-2", "--json"))["profile_id"])
    assert 'phone "+13175550142", given for' in explained


@pytest.mark.skipif(shutil.which("curl") is None or shutil.which("bash") is None, reason="needs curl and bash")
def test_the_curl_lines_show_a_customer_remembered_and_deleted(tmp_path: Path) -> None:
    home = make_home(tmp_path / "machine")
    with http_server(home) as http:
        lines = block_with("curl -s $PROFILES").replace("http://127.0.0.1:8765", http.address)
        printed = run("bash", "-ec", with_our_command(lines), folder=home.data)
        answers = json_values(printed)
        profile_id = answers[1]["profiles"][0]

    assert answers[1]["normalizedValue"] == "+13175550142"
    assert [one["content"] for one in answers[2]["observations"]] == ["Prefers calls after 6 pm"]
    assert (answers[3]["id"], answers[3]["traits"]["Contact"]["phone"]) == (profile_id, "+13175550142")
    assert answers[4]["message"] == "Profile accepted for deletion."


@pytest.mark.skipif(shutil.which("curl") is None or shutil.which("bash") is None, reason="needs curl and bash")
def test_the_curl_lines_of_a_conversation_are_remembered(tmp_path: Path) -> None:
    home = make_home(tmp_path / "machine")
    with http_server(home) as http:
        lines = block_with("curl -s $TALK").replace("http://127.0.0.1:8765", http.address)
        said, closed = json_values(run("bash", "-ec", with_our_command(lines), folder=home.data))
        profile_id = closed["participants"][0]["profileId"]
        recall = f"{http.address}/v1/Stores/{closed['configuration']['memoryStoreId']}/Profiles/{profile_id}/Recall"
        asked = {"conversationId": closed["id"], "communicationsLimit": 5}
        recalled = httpx2.post(recall, json=asked).json()["communications"]

    assert said["author"]["participantId"] == closed["participants"][0]["id"] and closed["status"] == "CLOSED"
    assert [one["content"]["text"] for one in recalled] == ["I have moved to Gary"]


def test_the_lines_of_many_tenants_let_a_tenant_in(tmp_path: Path) -> None:
    home = make_home(tmp_path / "machine")
    with http_server(home) as http:
        lines = block_with("tenants add acme").replace("http://127.0.0.1:8765", http.address)
        printed = run("bash", "-ec", with_our_command(lines), folder=home.data)
        without = httpx2.get(f"{http.address}/v1/ControlPlane/Stores")

    assert '{"stores":[]' in printed and '"requests_per_minute": 600' in printed
    assert "acme  all stores  memory:read memory:write  active  agent" in printed
    assert without.status_code == 401


def test_the_tables_of_many_tenants_are_what_there_is(tmp_path: Path) -> None:
    path = tmp_path / "memory.toml"
    path.write_text(blocks("toml")[0], encoding="utf-8")
    loaded = settings.load({"config": str(path)}, {"INITECH_DEV": "a-secret-of-tests"})

    assert [row[0].strip("`") for row in table("limit")] == list(LIMIT_NAMES)
    assert [row[0].strip("`") for row in table("a credential with")] == list(RIGHTS)
    assert loaded.hosting.tenants["initech"].limits.profiles == 100_000
    assert loaded.hosting.keys["initech-dev"].store == "store-development" and len(loaded.hosting.issuers) == 1


def block_with(command: str) -> str:
    (found,) = [block for block in blocks("sh") if command in block]
    return found


def with_our_command(lines: str) -> str:
    """`mcp-memory` is the one of this environment."""
    return f"""mcp-memory() {{ '{sys.executable}' -m mcp_memory "$@"; }}; export -f mcp-memory\n{lines}"""


def json_values(printed: str) -> list[Any]:
    """One after another, with nothing between them."""
    found, at, decoder = [], 0, json.JSONDecoder()
    while at < len(printed):
        value, at = decoder.raw_decode(printed, at)
        found.append(value)
    return found


@pytest.mark.skipif(not TWILIO.exists(), reason="needs Twilio's package: make conformance installs it")
def test_the_lines_for_twilios_package_recall(tmp_path: Path) -> None:
    home = make_home(tmp_path / "machine")
    new = {"content": "Prefers calls after 6 pm", "source": "voice", "occurredAt": "2026-11-20T18:30:00Z"}
    with http_server(home) as http:
        store_id = json.loads(home.run("store", "--data-dir", str(home.data)).stdout)["store_id"]
        profiles = f"{http.address}/v1/Stores/{store_id}/Profiles"
        profile_id = httpx2.post(profiles, json={"traits": {"Contact": {"phone": "+13175550142"}}}).json()["id"]
        httpx2.post(f"{profiles}/{profile_id}/Observations", json={"observations": [new]})
        lines = blocks("python")[0].replace("http://127.0.0.1:8765", http.address)
        printed = run(str(TWILIO), "-c", lines, store_id, profile_id)

    assert printed.strip() == "['Prefers calls after 6 pm']"


def test_the_examples_are_those_of_the_folder_and_start_as_readme_says() -> None:
    listed = {re.findall(r"\((.*)\)", row[0])[0] for row in table("example")}
    program = block_with("MEMORY_STORE_ID").split()[2]

    assert listed == {str(path.relative_to(ROOT).as_posix()) for path in (ROOT / "examples").glob("*.py")}
    assert "--port" in run(sys.executable, program, "--help")


def test_the_example_agent_remembers_between_messages() -> None:
    printed = run(sys.executable, "examples/agent.py").splitlines()

    assert printed[1] == "agent:    Sorry to hear that, Jo. I'll look into it."
    assert "I see: Jo's boiler B-77 has lost pressure" in printed[3]


def test_every_file_readme_links_to_is_there() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    anchors = {f"#{title.lower().replace(' ', '-')}" for title in re.findall(r"^## (.*)$", README, flags=re.MULTILINE)}

    assert links and all(link in anchors if link.startswith("#") else (ROOT / link).exists() for link in links)


def test_the_changelog_names_the_tools() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    assert all(f"`{tool.name}`" in changelog for tool in (*AGENT, *CURATOR))
