"""What the conformance suite calls and our own types cannot say, since no tool of ours does it: pictures and sounds,
questions back to the client in both eras, progress, log messages. Handlers of the SDK, which stand before ours.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from mcp import types
from mcp.shared.exceptions import MCPError
from mcp.shared.message import ServerMessageMetadata

from mcp_memory.server import Context

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mP4z8AAAAMBAQD3A0FDAAAAAElFTkSuQmCC"  # one red pixel
WAV = "UklGRiUAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQEAAACA"  # one sample of silence

Schema = dict[str, Any]
Asked = Mapping[str, types.InputRequest]
Play = Callable[[Context, Any], Awaitable[Any]]


# Contents


def text(said: str) -> types.TextContent:
    return types.TextContent(type="text", text=said)


def resource(uri: str, mime_type: str, said: str) -> types.EmbeddedResource:
    contents = types.TextResourceContents(uri=uri, mime_type=mime_type, text=said)
    return types.EmbeddedResource(type="resource", resource=contents)


IMAGE = types.ImageContent(type="image", data=PNG, mime_type="image/png")
AUDIO = types.AudioContent(type="audio", data=WAV, mime_type="audio/wav")


def saying(*content: types.ContentBlock) -> Play:
    async def play(ctx: Context, params: object) -> types.CallToolResult:
        return types.CallToolResult(content=list(content))

    return play


def prompting(*content: types.ContentBlock) -> types.GetPromptResult:
    return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=one) for one in content])


# Notifications on the way


async def with_logging(ctx: Context, params: object) -> types.CallToolResult:
    for said in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await ctx.session.send_log_message("info", said, related_request_id=ctx.request_id)
    return types.CallToolResult(content=[text("Logged.")])


async def with_progress(ctx: Context, params: object) -> types.CallToolResult:
    for progress in (0, 50, 100):
        await ctx.session.report_progress(progress, 100)
    return types.CallToolResult(content=[text("Reported.")])


# Questions back to the client: a request of our own up to 2025-11-25 ...


def elicitation(message: str, properties: Schema, required: list[str] | None = None) -> types.ElicitRequest:
    schema = {"type": "object", "properties": properties, "required": required or list(properties)}
    return types.ElicitRequest(params=types.ElicitRequestFormParams(message=message, requested_schema=schema))


def sampling(prompt: str, max_tokens: int = 100) -> types.CreateMessageRequest:
    messages = [types.SamplingMessage(role="user", content=types.TextContent(type="text", text=prompt))]
    return types.CreateMessageRequest(params=types.CreateMessageRequestParams(messages=messages, max_tokens=max_tokens))


async def elicited(ctx: Context, request: types.ElicitRequest) -> types.CallToolResult:
    answer = await ctx.session.send_request(
        request, types.ElicitResult, metadata=ServerMessageMetadata(related_request_id=ctx.request_id)
    )
    return types.CallToolResult(content=[text(f"action={answer.action}, content={json.dumps(answer.content)}")])


async def elicit(ctx: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
    fields = {"username": {"type": "string"}, "email": {"type": "string"}}
    return await elicited(ctx, elicitation((params.arguments or {})["message"], fields))


def eliciting(message: str, properties: Schema) -> Play:
    async def play(ctx: Context, params: object) -> types.CallToolResult:
        return await elicited(ctx, elicitation(message, properties))

    return play


async def sample(ctx: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
    answer = await ctx.session.send_request(
        sampling((params.arguments or {})["prompt"]),
        types.CreateMessageResult,
        metadata=ServerMessageMetadata(related_request_id=ctx.request_id),
    )
    return types.CallToolResult(content=[text(f"LLM response: {getattr(answer.content, 'text', '')}")])


DEFAULTS: Schema = {
    "name": {"type": "string", "default": "John Doe"},
    "age": {"type": "integer", "default": 30},
    "score": {"type": "number", "default": 95.5},
    "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
    "verified": {"type": "boolean", "default": True},
}
TITLED = [{"const": f"value{number}", "title": f"Option {number}"} for number in (1, 2, 3)]
OPTIONS = ["option1", "option2", "option3"]
ENUMS: Schema = {
    "untitledSingle": {"type": "string", "enum": OPTIONS},
    "titledSingle": {"type": "string", "oneOf": TITLED},
    "legacyEnum": {"type": "string", "enum": ["opt1", "opt2"], "enumNames": ["Option One", "Option Two"]},
    "untitledMulti": {"type": "array", "items": {"type": "string", "enum": OPTIONS}},
    "titledMulti": {"type": "array", "items": {"anyOf": TITLED}},
}


# ... and a result that asks for more since 2026-07-28


def asking(
    *rounds: Asked, with_state: bool = False, done: Callable[[str], Any] = lambda said: saying_now(said)
) -> Play:
    """Asks round after round, and is done when the last is answered. The state tells the round that is asked."""

    async def play(ctx: Context, params: Any) -> Any:
        answers = params.input_responses or {}
        asked = int(params.request_state) if params.request_state is not None else 0
        began = params.request_state is not None or not with_state
        if began and rounds[asked].keys() <= answers.keys():
            asked += 1
        if asked == len(rounds):
            said = {key: answer.model_dump(mode="json", exclude_none=True) for key, answer in answers.items()}
            return done(json.dumps(said))
        state = str(asked) if with_state else None
        return types.InputRequiredResult(input_requests=dict(rounds[asked]), request_state=state)

    return play


def saying_now(said: str) -> types.CallToolResult:
    return types.CallToolResult(content=[text(f"state-ok: {said}")])


NAME = elicitation("What is your name?", {"name": {"type": "string"}})
CONFIRM = elicitation("Please confirm", {"ok": {"type": "boolean"}})
COLOR = elicitation("Step 2: What is your favorite color?", {"color": {"type": "string"}})
CONTEXT = elicitation("What context should the prompt use?", {"context": {"type": "string"}})
EVERYTHING: Asked = {
    "user_name": NAME,
    "greeting": sampling("Generate a greeting", 50),
    "client_roots": types.ListRootsRequest(),
}


async def asking_what_it_can(ctx: Context, params: Any) -> Any:
    can = ctx.session.client_capabilities or types.ClientCapabilities()
    able = {"user_name": can.elicitation, "greeting": can.sampling, "client_roots": can.roots}
    asked = {key: request for key, request in EVERYTHING.items() if able[key] is not None}
    return await asking(asked)(ctx, params)


async def needing_sampling(ctx: Context, params: object) -> types.CallToolResult:
    can = ctx.session.client_capabilities
    if can is None or can.sampling is None:
        data: Schema = {"requiredCapabilities": {"sampling": {}}}
        raise MCPError(types.MISSING_REQUIRED_CLIENT_CAPABILITY, "This tool needs sampling.", data)
    return saying_now("sampling is there")


# What is called by which name

TOOLS: Mapping[str, Play] = {
    "test_image_content": saying(IMAGE),
    "test_audio_content": saying(AUDIO),
    "test_embedded_resource": saying(
        resource("test://embedded-resource", "text/plain", "This is an embedded resource content.")
    ),
    "test_multiple_content_types": saying(
        text("Multiple content types test:"),
        IMAGE,
        resource("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
    ),
    "test_tool_with_logging": with_logging,
    "test_logging_tool": with_logging,
    "test_tool_with_progress": with_progress,
    "test_sampling": sample,
    "test_elicitation": elicit,
    "test_elicitation_sep1034_defaults": eliciting("Who are you?", DEFAULTS),
    "test_elicitation_sep1330_enums": eliciting("Choose.", ENUMS),
    "json_schema_2020_12_tool": saying(text("Its schema is all there is to it.")),
    "test_streaming_elicitation": asking({"confirm": CONFIRM}),
    "test_missing_capability": needing_sampling,
    "test_input_required_result_elicitation": asking({"user_name": NAME}),
    "test_input_required_result_sampling": asking({"capital_question": sampling("What is the capital of France?")}),
    "test_input_required_result_list_roots": asking({"client_roots": types.ListRootsRequest()}),
    "test_input_required_result_request_state": asking({"confirm": CONFIRM}, with_state=True),
    "test_input_required_result_multiple_inputs": asking(EVERYTHING, with_state=True),
    "test_input_required_result_multi_round": asking({"step1": NAME}, {"step2": COLOR}, with_state=True),
    "test_input_required_result_tampered_state": asking({"confirm": CONFIRM}, with_state=True),
    "test_input_required_result_capabilities": asking_what_it_can,
}
SCHEMAS: Mapping[str, Schema] = {
    "test_sampling": {"type": "object", "properties": {"prompt": {"type": "string"}}, "required": ["prompt"]},
    "test_elicitation": {"type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]},
    "json_schema_2020_12_tool": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
            }
        },
        "properties": {
            "name": {"type": "string"},
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"},
            "email": {"type": "string"},
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": False,
    },
}


async def embedding(ctx: Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
    uri = (params.arguments or {})["resourceUri"]
    return prompting(
        resource(uri, "text/plain", "Embedded resource content for testing."),
        text("Please process the embedded resource above."),
    )


async def picturing(ctx: Context, params: object) -> types.GetPromptResult:
    return prompting(IMAGE, text("Please analyze the image above."))


PROMPTS: Mapping[str, Play] = {
    "test_prompt_with_embedded_resource": embedding,
    "test_prompt_with_image": picturing,
    "test_input_required_result_prompt": asking({"user_context": CONTEXT}, done=lambda said: prompting(text(said))),
}
PROMPT_ARGUMENTS = {"test_prompt_with_embedded_resource": ["resourceUri"]}


async def binary(ctx: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
    contents = types.BlobResourceContents(uri=params.uri, mime_type="image/png", blob=PNG)
    return types.ReadResourceResult(contents=[contents])


RESOURCES: Mapping[str, Play] = {"test://static-binary": binary}
