"""Pure: what may be typed behind `mcp-memory`, and which command it is for."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mcp_memory import __version__
from mcp_memory.settings import Settings

Command = Callable[[Settings, dict[str, Any]], int]
Add = Callable[..., argparse.ArgumentParser]


@dataclass(frozen=True, kw_only=True)
class Commands:
    """`asking` and `managing`: those of a module of `commands/`, by its name and theirs."""

    stdio: Command
    serve: Command
    demo: Command
    doctor: Command
    usage: Command
    asking: Callable[[str, str], Command]
    managing: Callable[[str, str], Command]


class CommandLine:
    def __init__(self, commands: Commands) -> None:
        self._commands, self._options = commands, _options()

    def parser(self) -> argparse.ArgumentParser:
        parser = argparse.ArgumentParser(
            prog="mcp-memory",
            description="Memory of customers for AI agents. Without a command: the MCP server on stdin and stdout.",
            parents=[self._options],
            allow_abbrev=False,
        )
        parser.add_argument("--version", action="version", version=f"mcp-memory {__version__}")
        parser.set_defaults(command=self._commands.stdio)
        add = _adder(parser.add_subparsers(title="commands", metavar="COMMAND"), self._options)
        serving = add(
            "serve",
            "serve over HTTP: MCP at /mcp and /sse, the Memory API at /v1, the Conversations API at /v2, and /health",
            self._commands.serve,
        )
        serving.add_argument("--host", metavar="ADDRESS", help="default 127.0.0.1")
        serving.add_argument("--port", metavar="NUMBER", help="default 8765")
        add("demo", "watch an agent meet a customer twice, in a folder of its own", self._commands.demo)
        add(
            "doctor",
            "check the data folder, the model and the configuration, and say what to do",
            self._commands.doctor,
        )
        self._add_stores(add)
        self._add_tenants(
            add("tenants", "who is served here: add, list, show, change, suspend, resume, remove, callback-secret")
        )
        self._add_keys(add("keys", "what clients show: create, rotate, revoke and list keys"))
        self._add_profiles(add("profiles", "find, show, merge, unmerge and explain profiles"))
        self._add_extractions(add("extractions", "what is learned of conversations: list, retry"))
        using = add("usage", "show what each tenant used on each day, in the units of the bill", self._commands.usage)
        using.add_argument("--since", metavar="DAY", help="from this day on, as 2026-11-21, UTC (default: 30 days ago)")
        using.add_argument("--until", metavar="DAY", help="up to this day (default: today)")
        using.add_argument("--json", action="store_true", help="print JSON")
        self._add_import(add)
        return parser

    def _add_import(self, add: Add) -> None:
        loading = add(
            "import",
            "import customers from a CSV file; goes on where it broke off",
            self._commands.asking("imports", "import_"),
        )
        loading.add_argument("file", metavar="FILE", help="CSV in UTF-8, with a header, up to a million rows")
        loading.add_argument(
            "--map", action="append", metavar="COLUMN=Group.trait", help="what a column is, unless its name says it"
        )
        loading.add_argument(
            "--keep-empty", action="store_true", help="an empty cell leaves the trait as it is, else empties"
        )

    def _add_stores(self, add: Add) -> None:
        storing = add("store", "show the store, or change its rules", self._commands.asking("stores", "store"))
        storing.add_argument(
            "--undeclared-traits", choices=("declare", "refuse"), help="what to do with traits nobody has declared"
        )
        storing.add_argument(
            "--embed", action="store_true", help="make the vectors that are missing, or another model's"
        )
        setting = add(
            "identity",
            "show by what people are matched, or change it; JSON",
            self._commands.asking("stores", "identity"),
        )
        setting.add_argument(
            "--set", metavar="FILE", help="new settings; if they have a version, it must be the current one"
        )
        grouping = add(
            "trait-groups",
            "show the trait groups, or change one; JSON",
            self._commands.asking("stores", "trait_groups"),
        )
        grouping.add_argument(
            "--set", metavar="FILE", help="a group to create or change; an empty dataType removes a trait"
        )
        grouping.add_argument("--delete", metavar="NAME", help="a group to remove, with the values of its traits")
        parser = add("stores", "show how the store learns, or change it; JSON")
        within = _adder(parser.add_subparsers(title="commands", metavar="COMMAND", required=True), self._options)
        learning = within(
            "learning", "show how the store learns, or change it; JSON", self._commands.asking("stores", "learning")
        )
        learning.add_argument(
            "--reconcile-api-writes",
            choices=("on", "off"),
            help="whether what is posted to the Memory API is reconciled with what is known (default off)",
        )
        learning.add_argument(
            "--traits", choices=("off", "propose", "write"), help="what becomes of traits that conversations tell"
        )

    def _add_profiles(self, parser: argparse.ArgumentParser) -> None:
        shared = argparse.ArgumentParser(add_help=False, parents=[self._options], argument_default=argparse.SUPPRESS)
        shared.add_argument("--json", action="store_true", help="print JSON")
        add = _adder(parser.add_subparsers(title="commands", metavar="COMMAND", required=True), shared)
        finding = add(
            "find",
            "find a customer by phone, email, WhatsApp, chat or other id",
            self._commands.asking("profiles", "find"),
        )
        finding.add_argument("value", metavar="VALUE", help="in any spelling")
        finding.add_argument("--id-type", metavar="TYPE", help="inferred when left out")
        for name, meaning, others in (
            ("show", "show a profile", ()),
            ("merge", "make two profiles one, whatever keeps them apart", ("other_id",)),
            ("unmerge", "take a profile that was merged into another out again", ()),
            ("explain", "say why these are one person", ()),
        ):
            added = add(name, meaning, self._commands.asking("profiles", name))
            for argument in ("profile_id", *others):
                added.add_argument(argument, metavar=argument.upper(), help="mem_profile_…; a merged one is as good")

    def _add_extractions(self, parser: argparse.ArgumentParser) -> None:
        shared = argparse.ArgumentParser(add_help=False, parents=[self._options], argument_default=argparse.SUPPRESS)
        shared.add_argument("--json", action="store_true", help="print JSON")
        add = _adder(parser.add_subparsers(title="commands", metavar="COMMAND", required=True), shared)
        listing = add("list", "list extractions, the latest first", self._commands.asking("extractions", "list_"))
        listing.add_argument("--status", choices=("QUEUED", "EXTRACTED", "DONE", "FAILED"), help="only those")
        listing.add_argument("--profile-id", metavar="PROFILE_ID", help="only those of this profile")
        retrying = add("retry", "queue one that FAILED anew", self._commands.asking("extractions", "retry"))
        retrying.add_argument("extraction_id", metavar="ID", help="mem_extraction_…")

    def _add_tenants(self, parser: argparse.ArgumentParser) -> None:
        add = _adder(parser.add_subparsers(title="commands", metavar="COMMAND", required=True), self._options)
        for name, meaning, work in (
            ("add", "add a tenant", "add"),
            ("list", "list the tenants", "list_"),
            ("show", "show a tenant with its keys and stores; JSON", "show"),
            ("change", "change a tenant's stores or limits", "change"),
            ("suspend", "turn a tenant away; what it has stays", "suspend"),
            ("resume", "let a suspended tenant in again", "resume"),
            ("remove", "remove a tenant and its keys", "remove"),
        ):
            added = add(name, meaning, self._commands.managing("tenants", work))
            if name == "list":
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
                added.add_argument(
                    "--adopt", action="store_true", help="take over stores that are there under this name"
                )
            if name in ("add", "change"):
                added.add_argument(
                    "--store", action="append", metavar="NAME", help="its stores, the first is the default"
                )
                added.add_argument("--limit", action="append", metavar="NAME=NUMBER", help="as requests_per_minute=600")
            if name == "remove":
                added.add_argument("--delete-data", action="store_true", help="with all it has, for good")
        showing = add(
            "callback-secret",
            "show what a tenant's callbacks are signed with, or make another",
            self._commands.managing("tenants", "callback_secret"),
        )
        self._add_callback_secret(showing)

    def _add_callback_secret(self, added: argparse.ArgumentParser) -> None:
        added.add_argument("name", metavar="NAME", nargs="?", default=argparse.SUPPRESS, help="if there are several")
        added.add_argument("--rotate", action="store_true", help="another one, which holds at once")
        added.add_argument("--json", action="store_true", help="print JSON")

    def _add_keys(self, parser: argparse.ArgumentParser) -> None:
        shared = argparse.ArgumentParser(add_help=False, parents=[self._options], argument_default=argparse.SUPPRESS)
        shared.add_argument("--json", action="store_true", help="print JSON")
        add = _adder(parser.add_subparsers(title="commands", metavar="COMMAND", required=True), shared)
        creating = add(
            "create", "create a key; its secret is shown this once", self._commands.managing("keys", "create")
        )
        creating.add_argument("of_tenant", metavar="TENANT")
        creating.add_argument("--label", metavar="TEXT", help="what it is for")
        creating.add_argument("--store", metavar="NAME", help="the only store it reaches (default: all its tenant's)")
        creating.add_argument(
            "--scope",
            action="append",
            metavar="SCOPE",
            help="memory:read, memory:write (both by default), memory:admin",
        )
        creating.add_argument("--days", metavar="NUMBER", help="how long it holds (default: until it is revoked)")
        rotating = add("rotate", "give a key another secret", self._commands.managing("keys", "rotate"))
        rotating.add_argument("key_id", metavar="KEY")
        rotating.add_argument(
            "--grace", metavar="MINUTES", help="how long the secret before holds beside it (default 0)"
        )
        add("revoke", "end a key, at once", self._commands.managing("keys", "revoke")).add_argument(
            "key_id", metavar="KEY"
        )
        listing = add("list", "list keys", self._commands.managing("keys", "list_"))
        listing.add_argument("of_tenant", metavar="TENANT", nargs="?", default=argparse.SUPPRESS)


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    options.add_argument("--data-dir", metavar="FOLDER", help="where the stores are (MCP_MEMORY_DATA_DIR)")
    options.add_argument("--config", metavar="FILE", help="settings in TOML (MCP_MEMORY_CONFIG)")
    options.add_argument("--tenant", metavar="NAME", help="whose data to work with (MCP_MEMORY_TENANT; default local)")
    options.add_argument("--toolsets", metavar="NAMES", help="tools to offer: agent (default), conversation, curator")
    options.add_argument("--region", metavar="CC", help="country of phone numbers without one (default US)")
    options.add_argument("--log-level", metavar="LEVEL", help="debug, info, warning or error (default warning)")
    return options


def _adder(commands: Any, options: argparse.ArgumentParser) -> Add:
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
