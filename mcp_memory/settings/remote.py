"""Pure: settings about services elsewhere, the managed memory and an endpoint of embeddings, read or refused."""

from collections.abc import Callable, Mapping
from typing import Any

from mcp_memory.errors import Invalid
from mcp_memory.setting_values import model_name, seconds, store, url, whole_number, word

MAX_DIMENSIONS = 16_384  # four times what today's largest models give
REGIONS = ("au1", "ie1")


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
