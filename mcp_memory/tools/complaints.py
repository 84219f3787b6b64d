"""What is wrong with the arguments of a tool, in words a model can act on.

The values stay out of it: they are the caller's, and may be long or hostile.
"""

from typing import Any, get_args

from pydantic import BaseModel, ValidationError

MOST = 10  # lines; who gets ten things wrong reads the schema again
LONGEST = 100  # characters of a name that the caller made up

_EXPECTED = {
    "string_type": "must be a string",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
}


def complaints(exc: ValidationError, arguments: type[BaseModel]) -> str:
    """A line per field, naming it and what it takes."""
    return "\n".join(_line(error, arguments) for error in exc.errors(include_url=False)[:MOST])


def _line(error: Any, arguments: type[BaseModel]) -> str:
    path = error["loc"]
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")[:LONGEST]
    if error["type"] == "extra_forbidden":
        return f"unknown argument {where}. Known here: {', '.join(_holder(arguments, path[:-1]).model_fields)}."
    if error["type"] == "missing":
        return f"{where} is required."
    said = _EXPECTED.get(error["type"]) or error["msg"].replace("Input should be", "must be")
    field = arguments.model_fields.get(str(path[0]))
    about = f" {path[0]}: {field.description}." if field and field.description and len(path) > 1 else ""
    return f"{where} {said}.{about}"


def _holder(model: type[BaseModel], path: tuple[int | str, ...]) -> type[BaseModel]:
    """The model that the last step of a path is in."""
    for step in path:
        if isinstance(step, str):
            model = _model_in(model.model_fields[step].annotation) or model
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)
