from pathlib import Path
from typing import Any

import pytest

from mcp_memory import settings
from mcp_memory.embedding.choice import chosen
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
        ("tenent = 'x'", "memory.toml, line 1: tenent is no setting. Settings: data_dir, tenant"),
        ("[server]\nport = 1", "memory.toml, line 1: server is no setting"),
        ("config = 'x'", "memory.toml, line 1: config is no setting"),
        ("tenant = ", "is not TOML"),
        ("tenant = 5", "tenant must be a text"),
        ("tenant = ' '", "tenant must be a text"),
        ("port = 'x'", "port must be a number from 0 to 65535"),
        ("port = true", "port must be a number"),
        ("port = 70000", "port must be a number"),
        ("region = 'usa'", "region must be a country as two letters"),
        ("log_level = 'loud'", "log_level must be one of debug, info, warning, error"),
        ("log_format = 'xml'", "log_format must be text or json"),
        ("metrics_by_tenant = 'yes'", "metrics_by_tenant must be on or off"),
        ("metrics_key = 'short'", "metrics_key must be at least 16 characters long"),
        ("metrics_key = 'a key with blanks in it'", "metrics_key must be a text of printable ASCII characters"),
        ("metrics_key = 5", "metrics_key must be a text"),
        ("data_dir = 5", "data_dir must be a path"),
        ("embedder = 'openai'", "embedder must be one of bundled, multilingual, endpoint"),
        ("embedder = 5", "embedder must be a text"),
        ("embedding_url = 'ftp://x'", "embedding_url must begin with http:// or https://"),
        ("embedding_url = 'http://'", "embedding_url must begin with http:// or https://, name a host"),
        ("embedding_url = 'http://x:port'", "embedding_url must begin"),
        ("embedding_url = 'http://x/?version=1'", "neither . nor #"),
        ("embedding_url = 'http://ann:secret@x/'", "embedding_url must not hold a user or a password"),
        ("embedding_url = 5", "embedding_url must be a text"),
        ("embedding_model = ' '", "embedding_model must be a text of 1 to 200"),
        ("embedding_dimensions = 0", "embedding_dimensions must be a whole number from 1 to 16384"),
        ("embedding_dimensions = 2.5", "embedding_dimensions must be a whole number"),
        ("embedding_dimensions = true", "embedding_dimensions must be a whole number"),
        ("embedding_timeout = 'soon'", "embedding_timeout must be a number of seconds from 0.1 to 300"),
        ("embedding_timeout = nan", "embedding_timeout must be a number"),
        ("embedding_timeout = true", "embedding_timeout must be a number"),
        ("embedding_timeout = 301", "embedding_timeout must be a number"),
        ("extraction = 'gpt'", "extraction must be one of rules, openai, anthropic"),
        (
            "extraction_url = 'http://x'",
            "extraction_url would do nothing: extraction is rules, not openai or anthropic",
        ),
        ("extraction = 'openai'", "extraction_url and extraction_model must be set"),
        ("extraction = 'anthropic'\nextraction_url = 'http://x'", "extraction_url and extraction_model must be set"),
        ("extraction_url = 'http://ann:secret@x/'", "extraction_url must not hold a user or a password"),
        ("extraction_model = ''", "extraction_model must be a text of 1 to 200"),
        ("extraction_timeout = 0", "extraction_timeout must be a number of seconds from 0.1 to 300"),
        ("extraction_budget = 0", "extraction_budget must be a whole number from 1 to 10000000"),
        ("extraction_prompts = ''", "extraction_prompts must be a path"),
        ("reconciliation = 'llm'", "reconciliation must be rules or model"),
        ("reconciliation = 'model'", "reconciliation is model, so extraction must be openai or anthropic"),
        ("backend = 'twilio'\nextraction = 'openai'", "extraction_url and extraction_model must be set"),
        ("embedder = 'endpoint'", "embedding_url and embedding_model must be set"),
        ("embedder = 'endpoint'\nembedding_url = 'http://x'", "embedding_url and embedding_model must be set"),
        ("embedding_url = 'http://x'", "embedding_url would do nothing: embedder is bundled, not endpoint"),
        ("embedder = 'multilingual'\nembedding_timeout = 5", "embedding_timeout would do nothing"),
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


def test_the_key_of_the_metrics_is_kept_to_itself() -> None:
    loaded = load({}, {"MCP_MEMORY_METRICS_KEY": " only-for-the-metrics\n", "MCP_MEMORY_LOG_FORMAT": "json"})

    assert (loaded.metrics_key, loaded.log_format) == ("only-for-the-metrics", "json")
    assert "only-for-the-metrics" not in repr(loaded)


def endpoint_environ(**more: str) -> dict[str, str]:
    values = {"EMBEDDER": "endpoint", "EMBEDDING_URL": "http://localhost:11434/v1/", "EMBEDDING_MODEL": "tiny", **more}
    return {f"MCP_MEMORY_{name}": value for name, value in values.items()}


def test_an_endpoint_is_set_up_in_the_environment() -> None:
    loaded = load({}, endpoint_environ(EMBEDDING_DIMENSIONS="256", EMBEDDING_KEY="sk-1 ", EMBEDDING_TIMEOUT="2.5"))

    assert (loaded.embedder, loaded.embedding_url, loaded.embedding_model) == (
        "endpoint",
        "http://localhost:11434/v1",
        "tiny",
    )
    assert (loaded.embedding_dimensions, loaded.embedding_key, loaded.embedding_timeout) == (256, "sk-1", 2.5)


def test_the_key_is_in_no_repr() -> None:
    loaded = load({}, endpoint_environ(EMBEDDING_KEY="sk-very-secret"))

    assert "sk-very-secret" not in repr(loaded)


def test_a_language_model_is_set_up_in_the_file_and_its_key_is_in_no_repr(tmp_path: Path) -> None:
    path = tmp_path / "memory.toml"
    path.write_text(
        "extraction = 'anthropic'\nextraction_url = 'https://api.example.com/'\nextraction_model = 'tiny'\n"
        "extraction_timeout = 5\nextraction_budget = 900\nextraction_prompts = 'prompts'\n",
        encoding="utf-8",
    )
    loaded = load({"config": str(path)}, {"MCP_MEMORY_EXTRACTION_KEY": "sk-very-secret"})

    assert (loaded.extraction, loaded.extraction_url, loaded.extraction_model) == (
        "anthropic",
        "https://api.example.com",
        "tiny",
    )
    assert (loaded.extraction_timeout, loaded.extraction_budget) == (5.0, 900)
    assert (loaded.extraction_prompts, loaded.extraction_key) == (tmp_path / "prompts", "sk-very-secret")
    assert "sk-very-secret" not in repr(loaded)


@pytest.mark.parametrize("key", ["sk-very secret", "sk-v\xe9ry-secret", "sk-very\nsecret"])
def test_a_key_that_is_none_is_refused_without_repeating_it(key: str) -> None:
    with pytest.raises(Invalid, match="embedding_key must be a text of printable ASCII") as caught:
        load({}, endpoint_environ(EMBEDDING_KEY=key))

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "model_id"),
    [
        ({}, "all-MiniLM-L6-v2-int8@5cebc27a"),
        ({"MCP_MEMORY_EMBEDDER": "multilingual"}, "use-multilingual-v3@0db566fd"),
        (endpoint_environ(), "endpoint:tiny"),
        (endpoint_environ(EMBEDDING_DIMENSIONS="256"), "endpoint:tiny:256"),
    ],
)
def test_the_embedder_is_the_one_that_was_chosen(environ: dict[str, str], model_id: str) -> None:
    assert chosen(load({}, environ)).model_id == model_id


def test_an_endpoint_that_nobody_named_is_not_replaced_by_another_embedder() -> None:
    with pytest.raises(Invalid, match="embedding_url and embedding_model must be set"):
        chosen(Settings(embedder="endpoint"))
