"""What the conformance suite calls, as far as our own types can say it: it goes the way of every tool, prompt and
resource. The names and the words are the suite's.
"""

import json
from collections.abc import Mapping

from mcp import types
from pydantic import Field

from mcp_memory.errors import Invalid
from mcp_memory.prompts import Argument, Prompt
from mcp_memory.resources import JSON, Parameters, Resource
from mcp_memory.rights import READ
from mcp_memory.session import Session
from mcp_memory.tools import Answer, Arguments, Result, Tool


class Nothing(Arguments):
    pass


class Done(Result):
    done: bool = True


class Regional(Arguments):
    region: str = Field(description="Sent as a header, too", json_schema_extra={"x-mcp-header": "Region"})


async def simple_text(session: Session, arguments: Nothing) -> Answer:
    return Answer(Done(), "This is a simple text response for testing.")


async def error_handling(session: Session, arguments: Nothing) -> Answer:
    raise Invalid("This tool intentionally returns an error for testing")


async def region(session: Session, arguments: Regional) -> Answer:
    return Answer(Done(), f"Region: {arguments.region}")


TOOLS = tuple(
    Tool(
        name=name,
        title=name,
        description="For the conformance suite",
        arguments=arguments,
        result=Done,
        annotations=types.ToolAnnotations(read_only_hint=True, open_world_hint=False),
        right=READ,
        run=run,
    )
    for name, arguments, run in (
        ("test_simple_text", Nothing, simple_text),
        ("test_error_handling", Nothing, error_handling),
        ("test_x_mcp_header", Regional, region),
    )
)


async def simple_prompt(session: Session, given: Mapping[str, str]) -> str:
    return "This is a simple prompt for testing."


async def prompt_with_arguments(session: Session, given: Mapping[str, str]) -> str:
    return f"Prompt with arguments: arg1='{given['arg1']}', arg2='{given['arg2']}'"


PROMPTS = (
    Prompt(
        name="test_simple_prompt",
        title="Simple",
        description="For the conformance suite",
        arguments=(),
        render=simple_prompt,
    ),
    Prompt(
        name="test_prompt_with_arguments",
        title="With arguments",
        description="For the conformance suite",
        arguments=(Argument("arg1", "First", required=True), Argument("arg2", "Second", required=True)),
        render=prompt_with_arguments,
    ),
)


async def static_text(session: Session, parameters: Parameters) -> str:
    return "This is the content of the static text resource."


async def by_id(session: Session, parameters: Parameters) -> str:
    id = parameters["id"]
    return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


RESOURCES = tuple(
    Resource(uri=uri, name=name, title=name, description="For the conformance suite", mime_type=kind, render=render)
    for uri, name, kind, render in (
        ("test://static-text", "static_text", "text/plain", static_text),
        ("test://watched-resource", "watched", "text/plain", static_text),
        ("test://template/{id}/data", "by_id", JSON, by_id),
    )
)
