"""The commands. The only file of the server that prints, and the only one that reads the environment."""

import argparse
import gc
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import anyio

from mcp_memory import __version__, logs, settings
from mcp_memory.errors import Error
from mcp_memory.settings import Settings

EXPLANATION = """\
mcp-memory is an MCP server: it talks to an agent host over stdin and stdout, so there is nothing to type here.

  mcp-memory demo       watch an agent meet a customer twice
  mcp-memory doctor     check the data folder, the model and the configuration
  mcp-memory serve      serve over HTTP: Streamable HTTP at /mcp, SSE at /sse
  mcp-memory --help     everything else

To use it, tell your host to run it. Claude Desktop, for example, in claude_desktop_config.json:

  {configuration}

Data folder: {folder}"""

Command = Callable[[Settings, dict[str, Any]], int]


def main(arguments: Sequence[str] | None = None) -> None:
    given = vars(_parser().parse_args(arguments))
    command: Command = given.pop("command")
    try:
        loaded = settings.load({name: given[name] for name in ("config", *settings.NAMES) if name in given}, os.environ)
        logs.configure(loaded.log_level)
        code = command(loaded, given)
    except Error as exc:
        print(f"mcp-memory: {exc}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


@contextmanager
def importing() -> Iterator[None]:
    """Imports make a hundred thousand objects that live as long as the process: not worth a collector's look.

    Measured: a fifth off the start, and an end in 0.1 s instead of 0.5.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def stdio(loaded: Settings, given: dict[str, Any]) -> int:
    if sys.stdin.isatty() and sys.stdout.isatty():
        command = {"command": sys.executable, "args": ["-m", "mcp_memory"]}
        configuration = json.dumps({"mcpServers": {"memory": command}})
        _say(EXPLANATION.format(configuration=configuration, folder=loaded.data_dir))
        return 0
    with importing():
        from mcp_memory import app  # with the SDK half a second: not for --help

    app.run_stdio(loaded)
    return 0


def serve(loaded: Settings, given: dict[str, Any]) -> int:
    with importing():
        from mcp_memory import app

    def announce(address: str) -> None:
        print(
            f"mcp-memory {__version__}: Streamable HTTP at {address}/mcp, SSE at {address}/sse, {address}/health\n"
            "No authentication is configured: bound to loopback, for programs on this machine only.",
            file=sys.stderr,
            flush=True,
        )

    app.run_http(loaded, announce)
    return 0


def demo(loaded: Settings, given: dict[str, Any]) -> int:
    from mcp_memory.demo import play

    anyio.run(play, given.get("data_dir"), _say)
    return 0


def doctor(loaded: Settings, given: dict[str, Any]) -> int:
    from mcp_memory.doctor import examine

    findings = examine(loaded)
    for finding in findings:
        _say(f"{'ok ' if finding.ok else 'BAD'}  {finding.what}: {finding.seen}")
        if finding.advice:
            _say(f"     -> {finding.advice}")
    return 0 if all(finding.ok for finding in findings) else 1


def store(loaded: Settings, given: dict[str, Any]) -> int:
    from mcp_memory import app, views
    from mcp_memory.model import StoreChanges

    async def work() -> dict[str, Any]:
        memory, caller = app.build_memory(loaded), app.local_caller(loaded)
        try:
            return views.store_data(
                await memory.update_store(caller, StoreChanges(undeclared_traits=given.get("undeclared_traits")))
            )
        finally:
            await memory.close()

    _say(json.dumps(anyio.run(work), indent=2, ensure_ascii=False))
    return 0


def _say(text: str) -> None:
    """Prints until nobody reads any more, as behind `| head`; then what is left goes nowhere."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    options.add_argument("--data-dir", metavar="FOLDER", help="where the stores are (MCP_MEMORY_DATA_DIR)")
    options.add_argument("--config", metavar="FILE", help="settings in TOML (MCP_MEMORY_CONFIG)")
    options.add_argument("--tenant", metavar="NAME", help="whose data to work with (MCP_MEMORY_TENANT; default local)")
    options.add_argument("--region", metavar="CC", help="country of phone numbers without one (default US)")
    options.add_argument("--log-level", metavar="LEVEL", help="debug, info, warning or error (default warning)")

    parser = argparse.ArgumentParser(
        prog="mcp-memory",
        description="Memory of customers for AI agents. Without a command: the MCP server on stdin and stdout.",
        parents=[options],
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"mcp-memory {__version__}")
    parser.set_defaults(command=stdio)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def add(name: str, command: Command, meaning: str) -> argparse.ArgumentParser:
        added = commands.add_parser(
            name,
            help=meaning,
            description=meaning,
            parents=[options],
            argument_default=argparse.SUPPRESS,
            allow_abbrev=False,
        )
        added.set_defaults(command=command)
        return added

    serving = add("serve", serve, "serve over HTTP: Streamable HTTP at /mcp, SSE at /sse, and /health")
    serving.add_argument("--host", metavar="ADDRESS", help="default 127.0.0.1")
    serving.add_argument("--port", metavar="NUMBER", help="default 8765")
    add("demo", demo, "watch an agent meet a customer twice, in a folder of its own")
    add("doctor", doctor, "check the data folder, the model and the configuration, and say what to do")
    storing = add("store", store, "show the store, or change its rules")
    storing.add_argument(
        "--undeclared-traits", choices=("declare", "refuse"), help="what to do with traits nobody has declared"
    )
    return parser
