"""The commands. The only file of the server that prints, and the only one that reads the environment."""

import argparse
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

Command = Callable[[Settings, dict[str, Any]], int]


def main(arguments: Sequence[str] | None = None) -> None:
    given = vars(_parser().parse_args(arguments))
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


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    options.add_argument("--data-dir", metavar="FOLDER", help="where the stores are (MCP_MEMORY_DATA_DIR)")
    options.add_argument("--config", metavar="FILE", help="settings in TOML (MCP_MEMORY_CONFIG)")
    options.add_argument("--tenant", metavar="NAME", help="whose data to work with (MCP_MEMORY_TENANT; default local)")
    options.add_argument("--toolsets", metavar="NAMES", help="tools to offer: agent (default), conversation, curator")
    options.add_argument("--region", metavar="CC", help="country of phone numbers without one (default US)")
    options.add_argument("--log-level", metavar="LEVEL", help="debug, info, warning or error (default warning)")
    return options


def _parser() -> argparse.ArgumentParser:
    options = _options()
    parser = argparse.ArgumentParser(
        prog="mcp-memory",
        description="Memory of customers for AI agents. Without a command: the MCP server on stdin and stdout.",
        parents=[options],
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"mcp-memory {__version__}")
    parser.set_defaults(command=stdio)
    add = _adder(parser.add_subparsers(title="commands", metavar="COMMAND"), options)
    serving = add(
        "serve",
        "serve over HTTP: MCP at /mcp and /sse, the Memory API at /v1, the Conversations API at /v2, and /health",
        serve,
    )
    serving.add_argument("--host", metavar="ADDRESS", help="default 127.0.0.1")
    serving.add_argument("--port", metavar="NUMBER", help="default 8765")
    add("demo", "watch an agent meet a customer twice, in a folder of its own", demo)
    add("doctor", "check the data folder, the model and the configuration, and say what to do", doctor)
    _add_stores(add, options)
    _add_tenants(
        add("tenants", "who is served here: add, list, show, change, suspend, resume, remove, callback-secret"), options
    )
    _add_keys(add("keys", "what clients show: create, rotate, revoke and list keys"), options)
    _add_profiles(add("profiles", "find, show, merge, unmerge and explain profiles"), options)
    _add_extractions(add("extractions", "what is learned of conversations: list, retry"), options)
    using = add("usage", "show what each tenant used on each day, in the units of the bill", usage)
    using.add_argument("--since", metavar="DAY", help="from this day on, as 2026-11-21, UTC (default: 30 days ago)")
    using.add_argument("--until", metavar="DAY", help="up to this day (default: today)")
    using.add_argument("--json", action="store_true", help="print JSON")
    _add_import(add)
    return parser


def _add_import(add: Callable[..., argparse.ArgumentParser]) -> None:
    loading = add(
        "import", "import customers from a CSV file; goes on where it broke off", _asking("imports", "import_")
    )
    loading.add_argument("file", metavar="FILE", help="CSV in UTF-8, with a header, up to a million rows")
    loading.add_argument(
        "--map", action="append", metavar="COLUMN=Group.trait", help="what a column is, unless its name says it"
    )
    loading.add_argument(
        "--keep-empty", action="store_true", help="an empty cell leaves the trait as it is, else empties"
    )


def _add_stores(add: Callable[..., argparse.ArgumentParser], options: argparse.ArgumentParser) -> None:
    storing = add("store", "show the store, or change its rules", _asking("stores", "store"))
    storing.add_argument(
        "--undeclared-traits", choices=("declare", "refuse"), help="what to do with traits nobody has declared"
    )
    storing.add_argument("--embed", action="store_true", help="make the vectors that are missing, or another model's")
    setting = add("identity", "show by what people are matched, or change it; JSON", _asking("stores", "identity"))
    setting.add_argument(
        "--set", metavar="FILE", help="new settings; if they have a version, it must be the current one"
    )
    grouping = add("trait-groups", "show the trait groups, or change one; JSON", _asking("stores", "trait_groups"))
    grouping.add_argument(
        "--set", metavar="FILE", help="a group to create or change; an empty dataType removes a trait"
    )
    grouping.add_argument("--delete", metavar="NAME", help="a group to remove, with the values of its traits")
    parser = add("stores", "show how the store learns, or change it; JSON")
    within = _adder(parser.add_subparsers(title="commands", metavar="COMMAND", required=True), options)
    learning = within("learning", "show how the store learns, or change it; JSON", _asking("stores", "learning"))
    learning.add_argument(
        "--reconcile-api-writes",
        choices=("on", "off"),
        help="whether what is posted to the Memory API is reconciled with what is known (default off)",
    )
    learning.add_argument(
        "--traits", choices=("off", "propose", "write"), help="what becomes of traits that conversations tell"
    )


def _add_profiles(parser: argparse.ArgumentParser, options: argparse.ArgumentParser) -> None:
    shared = argparse.ArgumentParser(add_help=False, parents=[options], argument_default=argparse.SUPPRESS)
    shared.add_argument("--json", action="store_true", help="print JSON")
    add = _adder(parser.add_subparsers(title="commands", metavar="COMMAND", required=True), shared)
    finding = add("find", "find a customer by phone, email, WhatsApp, chat or other id", _asking("profiles", "find"))
    finding.add_argument("value", metavar="VALUE", help="in any spelling")
    finding.add_argument("--id-type", metavar="TYPE", help="inferred when left out")
    for name, meaning, others in (
        ("show", "show a profile", ()),
        ("merge", "make two profiles one, whatever keeps them apart", ("other_id",)),
        ("unmerge", "take a profile that was merged into another out again", ()),
        ("explain", "say why these are one person", ()),
    ):
        added = add(name, meaning, _asking("profiles", name))
        for argument in ("profile_id", *others):
            added.add_argument(argument, metavar=argument.upper(), help="mem_profile_…; a merged one is as good")


def _add_extractions(parser: argparse.ArgumentParser, options: argparse.ArgumentParser) -> None:
    shared = argparse.ArgumentParser(add_help=False, parents=[options], argument_default=argparse.SUPPRESS)
    shared.add_argument("--json", action="store_true", help="print JSON")
    add = _adder(parser.add_subparsers(title="commands", metavar="COMMAND", required=True), shared)
    listing = add("list", "list extractions, the latest first", _asking("extractions", "list_"))
    listing.add_argument("--status", choices=("QUEUED", "EXTRACTED", "DONE", "FAILED"), help="only those")
    listing.add_argument("--profile-id", metavar="PROFILE_ID", help="only those of this profile")
    retrying = add("retry", "queue one that FAILED anew", _asking("extractions", "retry"))
    retrying.add_argument("extraction_id", metavar="ID", help="mem_extraction_…")


def _add_tenants(parser: argparse.ArgumentParser, options: argparse.ArgumentParser) -> None:
    add = _adder(parser.add_subparsers(title="commands", metavar="COMMAND", required=True), options)
    for name, meaning, work in (
        ("add", "add a tenant", "add"),
        ("list", "list the tenants", "list_"),
        ("show", "show a tenant with its keys and stores; JSON", "show"),
        ("change", "change a tenant's stores or limits", "change"),
        ("suspend", "turn a tenant away; what it has stays", "suspend"),
        ("resume", "let a suspended tenant in again", "resume"),
        ("remove", "remove a tenant and its keys", "remove"),
        ("callback-secret", "show what a tenant's callbacks are signed with, or make another", "callback_secret"),
    ):
        added = add(name, meaning, _managing("tenants", work))
        if name == "list":
            added.add_argument("--json", action="store_true", help="print JSON")
            continue
        if name == "callback-secret":
            added.add_argument(
                "name", metavar="NAME", nargs="?", default=argparse.SUPPRESS, help="if there are several"
            )
            added.add_argument("--rotate", action="store_true", help="another one, which holds at once")
            added.add_argument("--json", action="store_true", help="print JSON")
            continue
        added.add_argument("name", metavar="NAME", help="small letters, digits and . _ -")
        if name == "add":
            added.add_argument(
                "--backend",
                dest="in_backend",
                metavar="NAME",
                help="where its data is: a [backends.NAME] (default: here)",
            )
            added.add_argument("--shared", action="store_true", help="another tenant has the same store, knowingly")
            added.add_argument("--adopt", action="store_true", help="take over stores that are there under this name")
        if name in ("add", "change"):
            added.add_argument("--store", action="append", metavar="NAME", help="its stores, the first is the default")
            added.add_argument("--limit", action="append", metavar="NAME=NUMBER", help="as requests_per_minute=600")
        if name == "remove":
            added.add_argument("--delete-data", action="store_true", help="with all it has, for good")


def _add_keys(parser: argparse.ArgumentParser, options: argparse.ArgumentParser) -> None:
    shared = argparse.ArgumentParser(add_help=False, parents=[options], argument_default=argparse.SUPPRESS)
    shared.add_argument("--json", action="store_true", help="print JSON")
    add = _adder(parser.add_subparsers(title="commands", metavar="COMMAND", required=True), shared)
    creating = add("create", "create a key; its secret is shown this once", _managing("keys", "create"))
    creating.add_argument("of_tenant", metavar="TENANT")
    creating.add_argument("--label", metavar="TEXT", help="what it is for")
    creating.add_argument("--store", metavar="NAME", help="the only store it reaches (default: all its tenant's)")
    creating.add_argument(
        "--scope", action="append", metavar="SCOPE", help="memory:read, memory:write (both by default), memory:admin"
    )
    creating.add_argument("--days", metavar="NUMBER", help="how long it holds (default: until it is revoked)")
    rotating = add("rotate", "give a key another secret", _managing("keys", "rotate"))
    rotating.add_argument("key_id", metavar="KEY")
    rotating.add_argument("--grace", metavar="MINUTES", help="how long the secret before holds beside it (default 0)")
    add("revoke", "end a key, at once", _managing("keys", "revoke")).add_argument("key_id", metavar="KEY")
    listing = add("list", "list keys", _managing("keys", "list_"))
    listing.add_argument("of_tenant", metavar="TENANT", nargs="?", default=argparse.SUPPRESS)


def _adder(commands: Any, options: argparse.ArgumentParser) -> Callable[..., argparse.ArgumentParser]:
    def add(name: str, meaning: str, command: Command | None = None) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = commands.add_parser(
            name,
            help=meaning,
            description=meaning,
            parents=[options],
            argument_default=argparse.SUPPRESS,
            allow_abbrev=False,
        )
        if command is not None:
            added.set_defaults(command=command)
        return added

    return add
