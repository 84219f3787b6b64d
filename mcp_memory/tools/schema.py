"""JSON schemas as a model should read them: no titles, no null alternatives, nothing behind a reference.

Every tool's schema sits in the model's context in every session, so each key must earn its place.
"""

from typing import Any, cast

from pydantic import BaseModel

Schema = dict[str, Any]


def compact(model: type[BaseModel]) -> Schema:
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})
    return cast(Schema, _compact(schema, definitions))


def _compact(node: Any, definitions: Schema) -> Any:
    if isinstance(node, list):
        return [_compact(one, definitions) for one in node]
    if not isinstance(node, dict):
        return node
    node = _without_null(node)
    if "$ref" in node:
        target = definitions[node["$ref"].removeprefix("#/$defs/")]
        return _compact({**target, **{key: value for key, value in node.items() if key != "$ref"}}, definitions)
    return {
        key: {name: _compact(one, definitions) for name, one in value.items()}
        if key == "properties"
        else _compact(value, definitions)
        for key, value in node.items()
        if key != "title"
    }


def _without_null(node: Schema) -> Schema:
    """An optional argument is one that may be left out; null is taken too, and need not be told."""
    alternatives = node.get("anyOf", [])
    kept = [one for one in alternatives if one != {"type": "null"}]
    if len(kept) == len(alternatives):
        return node
    node = {key: value for key, value in node.items() if key != "anyOf" and (key, value) != ("default", None)}
    return {**kept[0], **node} if len(kept) == 1 else {**node, "anyOf": kept}
