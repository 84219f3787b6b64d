"""What a person sees who types `mcp-memory`: explanations, refusals that name what is wrong, exit codes."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from mcp_memory import __version__

from .servers import EXIT_SECONDS, SLACK_SECONDS, Home, Refused, Stdio, batch, http_server, new_profile, stdio_server

PHONE = "+13175550142"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pty to play a person with")
def test_on_a_terminal_it_explains_itself_and_leaves(home: Home) -> None:
    import pty

    terminal, program = pty.openpty()
    with os.fdopen(terminal, "rb", buffering=0) as screen:
        process = subprocess.Popen(
            home.command(), stdin=program, stdout=program, stderr=program, env=home.environment(), cwd=home.root / "cwd"
        )
        os.close(program)
        try:
            code = process.wait(EXIT_SECONDS + SLACK_SECONDS)  # the text fits into the terminal's buffer
        finally:
            process.kill()
            process.wait()
        shown = screen.read(65536).decode()

    assert code == 0
    assert "nothing to type here" in shown
    assert "mcp-memory demo" in shown
    assert "Traceback" not in shown


def test_help_lists_every_command(cold: Home) -> None:
    shown = cold.run("--help")

    assert (shown.returncode, shown.stderr) == (0, "")
    assert all(command in shown.stdout for command in ("serve", "demo", "doctor", "store", "--data-dir"))


def test_version_is_the_package_s(cold: Home) -> None:
    shown = cold.run("--version")

    assert (shown.returncode, shown.stdout) == (0, f"mcp-memory {__version__}\n")


@pytest.mark.parametrize("command", [[], ["serve"], ["doctor"]])
def test_an_unknown_setting_in_the_environment_is_refused_by_name(cold: Home, command: list[str]) -> None:
    refused = cold.run(*command, env={"MCP_MEMORY_NOPE": "1"})

    assert (refused.returncode, refused.stdout) == (2, "")
    assert "MCP_MEMORY_NOPE" in refused.stderr
    assert "MCP_MEMORY_DATA_DIR" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("text", ["nope = 1", "port = 'x'"])
def test_an_unknown_or_wrong_setting_in_toml_is_refused_by_name(home: Home, text: str) -> None:
    config = home.root / "config.toml"
    config.write_text(text, encoding="utf-8")

    refused = home.run("doctor", "--config", str(config))

    assert (refused.returncode, refused.stdout) == (2, "")
    assert text.split(" ")[0] in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_setting_is_taken_from_toml_and_from_the_environment(cold: Home) -> None:
    config = cold.root / "config.toml"
    config.write_text('data_dir = "beside"\ntenant = "acme"', encoding="utf-8")

    shown = cold.run("doctor", env={"MCP_MEMORY_CONFIG": str(config), "MCP_MEMORY_REGION": "DE"})

    assert shown.returncode == 0
    assert "tenant acme, region DE" in shown.stdout
    assert str(cold.root / "beside") in shown.stdout


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_serve_refuses_to_be_reached_from_elsewhere(home: Home, host: str) -> None:
    refused = home.run("serve", "--host", host, "--port", "0", "--data-dir", str(home.data))

    assert refused.returncode == 2
    assert "MCP asks for no key" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not home.data.exists()


def test_serve_names_the_port_that_is_in_use(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        refused = home.run("serve", "--port", port, "--data-dir", str(home.data))

    assert refused.returncode == 2
    assert port in refused.stderr
    assert "--port" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_serve_says_that_it_is_for_this_machine_only(cold: Home) -> None:
    with http_server(cold) as http:
        assert "No authentication is configured: bound to loopback" in http.stderr
        assert http.address.startswith("http://127.0.0.1:")


def test_doctor_finds_nothing_wrong_with_a_folder_that_is_not_there_yet(cold: Home) -> None:
    shown = cold.run("doctor", "--data-dir", str(cold.data))

    assert shown.returncode == 0
    assert "BAD" not in shown.stdout
    assert not cold.data.exists()


def test_doctor_says_that_a_store_in_use_is_well(home: Home, server: Stdio) -> None:
    server.call("add_observation", **batch(new_profile(server), ["Prefers evenings"]))

    shown = home.run("doctor", "--data-dir", str(home.data))

    assert shown.returncode == 0
    assert "1 found, none damaged" in shown.stdout


@pytest.mark.parametrize("damage", ["truncated", "garbage"])
def test_doctor_names_a_damaged_store(home: Home, damage: str) -> None:
    with stdio_server(home) as server:
        profile_id = new_profile(server)
        server.call("add_observation", **batch(profile_id, ["Prefers evenings"]))
    store = spoiled(home, damage)

    shown = home.run("doctor", "--data-dir", str(home.data))
    with stdio_server(home) as server, pytest.raises(Refused) as refusal:
        server.call("lookup_profile", value=PHONE)
        server.call("recall", profile_id=profile_id, observations_limit=100)

    assert shown.returncode == 1
    assert any(line.startswith("BAD") and str(store) in line for line in shown.stdout.splitlines())
    assert "Traceback" not in shown.stderr
    assert str(refusal.value).startswith("unavailable: The store's file is damaged")


def spoiled(home: Home, damage: str) -> Path:
    (store,) = (home.data / "stores").glob("*.db")
    whole = store.read_bytes()
    store.write_bytes(whole[: len(whole) // 2] if damage == "truncated" else b"no database at all " * 1000)
    return store


def test_doctor_names_a_data_folder_that_is_a_file(home: Home) -> None:
    home.data.write_text("I am a file", encoding="utf-8")

    shown = home.run("doctor", "--data-dir", str(home.data))

    assert shown.returncode == 1
    assert any(line.startswith("BAD") and str(home.data) in line for line in shown.stdout.splitlines())
    assert "Traceback" not in shown.stderr


def test_the_demo_runs_again_in_the_folder_that_it_is_given(home: Home) -> None:
    """In one of its own it is run by `tests/docs`."""
    shown = [home.run("demo", "--data-dir", str(home.data)) for _ in range(2)]

    assert [one.returncode for one in shown] == [0, 0]
    assert ["Nobody has this phone" in one.stdout for one in shown] == [True, False]
    assert all("Is allergic to wool" in one.stdout for one in shown)
    assert [path for folder in home.elsewhere for path in folder.rglob("*")] == []


def test_a_store_that_refuses_undeclared_traits_says_which_are_declared(home: Home) -> None:
    told = home.run("store", "--undeclared-traits", "refuse", "--data-dir", str(home.data))

    with stdio_server(home) as server:
        profile_id = new_profile(server)
        with pytest.raises(Refused) as refusal:
            server.call("upsert_traits", profile_id=profile_id, traits={"Contact": {"shoeSize": 43}})
        known = server.call("lookup_profile", value=PHONE)["traits"]

    assert told.returncode == 0
    assert str(refusal.value).startswith("invalid: ")
    assert all(name in str(refusal.value) for name in ("shoeSize", "firstName", "phone", "email"))
    assert known == {"Contact": {"phone": PHONE}}
