"""Pure: settings about services elsewhere, the managed memory and endpoints of models, read or refused."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mcp_memory.errors import Invalid
from mcp_memory.setting_values import folder, model_name, seconds, store, url, whole_number, word

MAX_DIMENSIONS = 16_384  # four times what today's largest models give
MAX_BUDGET = 10_000_000  # characters; more than any model reads
REGIONS = ("au1", "ie1")
EMBEDDERS = ("bundled", "multilingual", "endpoint")
EXTRACTORS = ("rules", "openai", "anthropic")
OF_THE_ENDPOINT = "embedding_"  # settings that begin like this say nothing to the other embedders
OF_THE_MODEL = "extraction_"
OF_THE_SERVICE = "twilio_"


def service(values: Mapping[str, Any]) -> dict[str, Any]:
    """As `embedding`, of those that are about the managed service."""
    checks: Mapping[str, Callable[[Any], Any]] = {
        "twilio_key_id": _key_id,
        "twilio_key_secret": lambda value: word("twilio_key_secret", value),
        "twilio_store": lambda value: store("twilio_store", value),
        "twilio_region": _region,
        "twilio_base_url": lambda value: url("twilio_base_url", value, "twilio_key_id", plain="loopback"),
        "twilio_timeout": lambda value: seconds("twilio_timeout", value),
    }
    return {name: check(values[name]) for name, check in checks.items() if name in values}


def _key_id(value: object) -> str:
    key_id = word("twilio_key_id", value)
    if ":" in key_id:
        raise Invalid("twilio_key_id must not hold a colon: HTTP Basic ends the id there.")
    return key_id


def _region(value: object) -> str:
    if value not in REGIONS:
        raise Invalid(f"twilio_region must be one of {', '.join(REGIONS)}; leave it out for the US.")
    return str(value)


def embedding(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `values` that are about the endpoint, checked. A key is not repeated, however wrong it is."""
    checks: Mapping[str, Callable[[Any], Any]] = {
        "embedding_url": lambda value: url("embedding_url", value, "embedding_key"),
        "embedding_model": lambda value: model_name("embedding_model", value),
        "embedding_key": lambda value: word("embedding_key", value),
        "embedding_dimensions": lambda value: whole_number("embedding_dimensions", value, MAX_DIMENSIONS),
        "embedding_timeout": lambda value: seconds("embedding_timeout", value),
    }
    return {name: check(values[name]) for name, check in checks.items() if name in values}


def extraction(values: Mapping[str, Any]) -> dict[str, Any]:
    """As `embedding`, of those that are about the language model."""
    checks: Mapping[str, Callable[[Any], Any]] = {
        "extraction_url": lambda value: url("extraction_url", value, "extraction_key"),
        "extraction_model": lambda value: model_name("extraction_model", value),
        "extraction_key": lambda value: word("extraction_key", value),
        "extraction_timeout": lambda value: seconds("extraction_timeout", value),
        "extraction_budget": lambda value: whole_number("extraction_budget", value, MAX_BUDGET),
        "extraction_prompts": lambda value: folder(value, "extraction_prompts"),
    }
    return {name: check(values[name]) for name, check in checks.items() if name in values}


def check_remote(values: Mapping[str, Any], given: Sequence[str]) -> None:
    """Whether they go together. `values`: all settings; `given`: the names of those that somebody set."""
    _check_endpoint(values, given, "embedder", EMBEDDERS, OF_THE_ENDPOINT)
    _check_endpoint(values, given, "extraction", EXTRACTORS, OF_THE_MODEL)
    if values["reconciliation"] == "model" and values["extraction"] not in EXTRACTORS[1:]:
        raise Invalid("reconciliation is model, so extraction must be openai or anthropic: that is the model it asks.")
    _check_service(values, given)


def _check_endpoint(
    values: Mapping[str, Any], given: Sequence[str], choice: str, choices: Sequence[str], prefix: str
) -> None:
    """The first of the choices, and what is offline, knows no endpoint."""
    chosen = values[choice]
    if chosen not in choices:
        raise Invalid(f"{choice} must be one of {', '.join(choices)}.")
    remote = choices[2:] if choice == "embedder" else choices[1:]
    of_it = [name for name in given if name.startswith(prefix)]
    if chosen not in remote and of_it:
        raise Invalid(f"{of_it[0]} would do nothing: {choice} is {chosen}, not {' or '.join(remote)}.")
    if chosen in remote and not (values[f"{prefix}url"] and values[f"{prefix}model"]):
        raise Invalid(f"{choice} is {chosen}, so {prefix}url and {prefix}model must be set.")


def _check_service(values: Mapping[str, Any], given: Sequence[str]) -> None:
    of_it = [name for name in given if name.startswith(OF_THE_SERVICE)]
    if values["backend"] != "twilio":
        if of_it:
            raise Invalid(f"{of_it[0]} would do nothing: backend is {values['backend']}, not twilio.")
        return
    for name in given:
        if name in ("embedder", "late_interaction") or name.startswith(OF_THE_ENDPOINT):
            raise Invalid(f"{name} would do nothing: backend is twilio, which makes its own vectors.")
        if name == "extraction" or name.startswith(OF_THE_MODEL):
            raise Invalid(f"{name} would do nothing: backend is twilio, which learns from conversations itself.")
        if name == "reconciliation":
            raise Invalid(f"{name} would do nothing: backend is twilio, which reconciles what it is told itself.")
    if not (values["twilio_key_id"] and values["twilio_key_secret"] and values["twilio_store"]):
        raise Invalid("backend is twilio, so twilio_key_id, twilio_key_secret and twilio_store must be set.")
    if values["twilio_region"] is not None and values["twilio_base_url"] is not None:
        raise Invalid("twilio_region and twilio_base_url both say where the service is: set one of them.")
