from pathlib import Path
from typing import Any

import pytest

from mcp_memory import settings
from mcp_memory.errors import Invalid
from mcp_memory.settings import Settings, load


def test_nothing_has_to_be_set() -> None:
    loaded = load({}, {"PATH": "x"})

    assert (loaded.tenant, loaded.host, loaded.port, loaded.region) == ("local", "127.0.0.1", 8765, "US")
    assert loaded.data_dir.is_absolute() and "mcp-memory" in str(loaded.data_dir)


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "memory.toml"
    file.write_text('tenant = "file"\nregion = "DE"\nport = 1\ndata_dir = "data"\n', encoding="utf-8")
    environ = {"MCP_MEMORY_CONFIG": str(file), "MCP_MEMORY_TENANT": "environment", "MCP_MEMORY_PORT": "2"}

    loaded = load({"port": "3"}, environ)

    assert (loaded.region, loaded.tenant, loaded.port) == ("DE", "environment", 3)
    assert loaded.data_dir == tmp_path / "data"


def test_the_configuration_named_on_the_command_line_wins(tmp_path: Path) -> None:
    file = tmp_path / "memory.toml"
    file.write_text('tenant = "file"\n', encoding="utf-8")

    assert load({"config": str(file)}, {"MCP_MEMORY_CONFIG": "elsewhere"}).tenant == "file"


@pytest.mark.parametrize(
    ("toml", "complaint"),
    [
        ("tenent = 'x'", "tenent in .* is no setting. Settings: data_dir, tenant"),
        ("[server]\nport = 1", "server in .* is no setting"),
        ("config = 'x'", "config in .* is no setting"),
        ("tenant = ", "is not TOML"),
        ("tenant = 5", "tenant must be a text"),
        ("tenant = ' '", "tenant must be a text"),
        ("port = 'x'", "port must be a number from 0 to 65535"),
        ("port = true", "port must be a number"),
        ("port = 70000", "port must be a number"),
        ("region = 'usa'", "region must be a country as two letters"),
        ("log_level = 'loud'", "log_level must be one of debug, info, warning, error"),
        ("data_dir = 5", "data_dir must be a path"),
    ],
)
def test_a_wrong_file_is_refused_by_what_is_wrong(tmp_path: Path, toml: str, complaint: str) -> None:
    file = tmp_path / "memory.toml"
    file.write_text(toml, encoding="utf-8")

    with pytest.raises(Invalid, match=complaint):
        load({"config": str(file)}, {})


@pytest.mark.parametrize(
    ("environ", "complaint"),
    [
        ({"MCP_MEMORY_DATADIR": "x"}, "MCP_MEMORY_DATADIR in the environment is no setting. Settings: MCP_MEMORY_DATA"),
        ({"MCP_MEMORY_PORT": "-1"}, "port must be a number"),
        ({"MCP_MEMORY_PORT": "8" * 5000}, "port must be a number"),
        ({"MCP_MEMORY_PORT": "\u0668\u0667"}, "port must be a number"),
        ({"mcp_memory_nope": "x"}, "MCP_MEMORY_NOPE in the environment is no setting"),
        ({"MCP_MEMORY_CONFIG": ""}, "config must be a path"),
        ({"MCP_MEMORY_DATA_DIR": "a\0b"}, "data_dir must be a path"),
        ({"MCP_MEMORY_DATA_DIR": "~nobody-of-that-name/x"}, "the home of a user who is not there"),
        ({"MCP_MEMORY_TENANT": "x" * 65}, "tenant must be 1 to 64"),
        ({"MCP_MEMORY_CONFIG": "nowhere.toml"}, "nowhere.toml can't be read"),
    ],
)
def test_a_wrong_environment_is_refused_by_name(environ: dict[str, str], complaint: str) -> None:
    with pytest.raises(Invalid, match=complaint):
        load({}, environ)


def test_every_setting_says_what_it_means() -> None:
    meanings: dict[str, Any] = {
        name: Settings.__dataclass_fields__[name].metadata["meaning"] for name in settings.NAMES
    }

    assert all(meanings.values())
