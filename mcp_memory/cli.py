"""The commands. The only file of the server that prints, and the only one that reads the environment."""

import gc
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import Any, TextIO

import anyio

from mcp_memory import __version__, hosts, logs, settings
from mcp_memory.command_line import Command, CommandLine, Commands
from mcp_memory.errors import Error
from mcp_memory.settings import Settings

EXPLANATION = """\
mcp-memory is an MCP server: it talks to an agent host over stdin and stdout, so there is nothing to type here.

  mcp-memory demo       watch an agent meet a customer twice
  mcp-memory doctor     check the data folder, the model and the configuration
  mcp-memory serve      serve over HTTP: Streamable HTTP at /mcp, SSE at /sse, the APIs at /v1 and /v2
  mcp-memory --help     everything else

To use it, tell your host to run it. Claude Desktop, for example, in claude_desktop_config.json:

  {configuration}

Data folder: {folder}"""

UNASKED = (
    "There is no tenant, so nobody is asked for a credential: bound to loopback, for programs on this machine only."
)


def main(arguments: Sequence[str] | None = None) -> None:
    given = vars(CommandLine(_commands()).parser().parse_args(arguments))
    command: Command = given.pop("command")
    try:
        loaded = settings.load(_named(given), os.environ)
        logs.configure(loaded.log_level, loaded.log_format)
        code = command(loaded, given)
    except Error as exc:
        print(f"mcp-memory: {exc}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def _named(given: dict[str, Any]) -> dict[str, Any]:
    return {name: given[name] for name in ("config", *settings.NAMES) if name in given}


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
        from mcp_memory import app

        run = app.prepare_stdio(loaded)

    run()
    return 0


def serve(loaded: Settings, given: dict[str, Any]) -> int:
    if loaded.workers == 1:
        return _serve(loaded, given)
    from mcp_memory.http import shared_metrics

    with shared_metrics.folder() as path:
        os.environ[shared_metrics.VARIABLE] = path
        return _serve(loaded, given)


def _serve(loaded: Settings, given: dict[str, Any]) -> int:
    with importing():
        from mcp_memory.serve import prepare_http

        # routes and their models live as long as what is imported
        run = prepare_http(loaded, partial(settings.load, _named(given), dict(os.environ)))

    near = hosts.is_loopback(loaded.host)
    bound = "bound to loopback, for programs on this machine only" if near else f"bound to {loaded.host}"

    def announce(address: str, asks: bool) -> None:
        asking = "Whoever connects is asked for a credential" if asks else "No authentication is configured"
        sse = f"SSE at {address}/sse, " if loaded.workers == 1 else ""
        print(
            f"mcp-memory {__version__}: Streamable HTTP at {address}/mcp, {sse}"
            f"the Memory API at {address}/v1, the Conversations API at {address}/v2, {address}/health\n"
            f"{asking}: {bound}.",
            file=sys.stderr,
            flush=True,
        )

    return run(announce)


def demo(loaded: Settings, given: dict[str, Any]) -> int:
    from mcp_memory.demo import play

    anyio.run(play, given.get("data_dir"), _say)
    return 0


def doctor(loaded: Settings, given: dict[str, Any]) -> int:
    from mcp_memory.doctor import examine

    findings = examine(loaded, _reached(loaded) if loaded.backend == "twilio" else None)
    for finding in findings:
        _say(f"{'ok ' if finding.ok else 'BAD'}  {finding.what}: {finding.seen}")
        if finding.advice:
            _say(f"     -> {finding.advice}")
    return 0 if all(finding.ok for finding in findings) else 1


def _reached(loaded: Settings) -> Callable[[], str]:
    async def ask() -> str:
        from mcp_memory import app

        memory = app.build_memory(replace(loaded, twilio_create_store="off"))  # it looks, and makes nothing
        try:
            return (await memory.get_store(app.local_caller(loaded))).display_name
        finally:
            await memory.close()

    return lambda: anyio.run(ask)


def usage(loaded: Settings, given: dict[str, Any]) -> int:
    with importing():
        from mcp_memory import app
        from mcp_memory.commands import Console
        from mcp_memory.commands.usage import show

    with app.open_usage(loaded) as book:
        return show(book, app.now().date(), given, Console(say=_say, tell=_tell))


def _asking(module: str, name: str) -> Command:
    """A command of `commands/`, which asks the memory and closes it again. Imported when it is used, as the others."""

    def command(loaded: Settings, given: dict[str, Any]) -> int:
        with importing():
            from mcp_memory import app
            from mcp_memory.commands import Console

            work = getattr(import_module(f"mcp_memory.commands.{module}"), name)

        async def ask() -> int:
            memory = app.build_memory(loaded)
            try:
                code: int = await work(memory, app.local_caller(loaded), given, Console(say=_say, tell=_tell))
                return code
            finally:
                await memory.close()

        return anyio.run(ask)

    return command


def _managing(module: str, name: str) -> Command:
    """As `_asking`, of those about who is served here."""

    def command(loaded: Settings, given: dict[str, Any]) -> int:
        with importing():
            from mcp_memory import app
            from mcp_memory.commands import Console

            work = getattr(import_module(f"mcp_memory.commands.{module}"), name)

        async def ask() -> int:
            host = app.build_host(loaded)
            try:
                code: int = await work(host.memory, host.directory, given, Console(say=_say, tell=_tell))
                return code
            finally:
                await host.memory.close()

        return anyio.run(ask)

    return command


def _tell(text: str) -> None:
    _say(text, sys.stderr)


def _say(text: str, stream: TextIO | None = None) -> None:
    """Prints until nobody reads any more, as behind `| head`; then what is left goes nowhere."""
    stream = stream or sys.stdout
    try:
        print(text, file=stream, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _commands() -> Commands:
    return Commands(stdio=stdio, serve=serve, demo=demo, doctor=doctor, usage=usage, asking=_asking, managing=_managing)
