"""What a person sees who puts customers and their rules in order: mcp-memory profiles, identity, trait-groups."""

import json
from pathlib import Path
from typing import Any

import pytest

from .servers import Home

PHONE, EMAIL = "+13175550142", "lee@example.com"


@pytest.fixture
def two(home: Home) -> tuple[str, str]:
    """The ids of two customers, the one with the phone number first."""
    file = home.root / "two.csv"
    file.write_text(f"phone,email,First Name\n{PHONE},,Dana\n,{EMAIL},Lee\n", encoding="utf-8")
    assert home.run("import", str(file)).returncode == 0
    return _id(home, PHONE), _id(home, EMAIL)


def _id(home: Home, value: str) -> str:
    return str(_json(home, "profiles", "find", value, "--json")["profile_id"])


def _json(home: Home, *command: str) -> Any:
    shown = home.run(*command)
    assert (shown.returncode, shown.stderr) == (0, "")
    return json.loads(shown.stdout)


def _said(home: Home, *command: str) -> str:
    shown = home.run(*command)
    assert (shown.returncode, shown.stderr) == (0, "")
    return shown.stdout


def _refused(home: Home, *command: str) -> str:
    refused = home.run(*command)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "Traceback" not in refused.stderr
    return refused.stderr


def _file(home: Home, text: str) -> str:
    file = home.root / "body.json"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_a_customer_is_found_in_any_spelling_and_shown(home: Home, two: tuple[str, str]) -> None:
    found = _said(home, "profiles", "find", "(317) 555-0142")

    assert found.startswith(f"Profile {two[0]}\n") and 'firstName "Dana"' in found
    assert found == _said(home, "profiles", "show", two[0])
    nobody = home.run("profiles", "find", "nobody@example.com")
    assert (nobody.returncode, nobody.stdout) == (1, 'Nobody has email "nobody@example.com".\n')


def test_two_customers_are_merged_explained_and_taken_apart_again(home: Home, two: tuple[str, str]) -> None:
    merged = _said(home, "profiles", "merge", *two)
    live, part = two if _id(home, EMAIL) == two[0] else two[::-1]
    assert merged.startswith(f"{part} is now part of {live}, the earlier one.")

    explained = _said(home, "profiles", "explain", part)
    assert f"{part} is part of {live}." in explained and "by a curator" in explained
    assert _json(home, "profiles", "explain", live, "--json")["merges"][0]["merged_profile_id"] == part

    undone = _said(home, "profiles", "unmerge", part)
    assert f"{part} is a profile of its own again." in undone
    assert (_id(home, PHONE), _id(home, EMAIL)) == two


def test_what_makes_no_sense_is_refused_by_name(home: Home, two: tuple[str, str]) -> None:
    for words, complaint in (
        (("find", "5550142"), "value is not a phone number"),
        (("find", PHONE, "--id-type", "fax"), "id_type is unknown in this store. Known: email, whatsapp, phone, chat"),
        (("show", "dana"), "profile_id is not a mem_profile id"),
        (("show", "mem_profile_" + "0" * 26), "There is no such profile"),
        (("merge", two[0], two[0]), "are the same profile: name two"),
        (("unmerge", two[0]), "is not merged with another profile"),
    ):
        assert complaint in _refused(home, "profiles", *words)


def test_a_command_that_says_too_little_is_explained(home: Home) -> None:
    for words in (("profiles",), ("profiles", "merge", "x"), ("import",)):
        refused = home.run(*words)
        assert refused.returncode == 2 and "required" in refused.stderr


def test_the_rules_are_changed_as_they_are_shown(home: Home) -> None:
    shown = _json(home, "identity")
    shown["identifierConfigs"].append({"idType": "user_id", "limit": 1})
    shown["matchingRules"].insert(0, "user_id")

    changed = _json(home, "identity", "--set", _file(home, json.dumps(shown)))

    assert (changed["version"], changed["matchingRules"][0]) == (2, "user_id")
    assert changed == _json(home, "identity")
    stale = _refused(home, "identity", "--set", _file(home, json.dumps(shown)))
    assert "The version is 2, not 1" in stale


def test_how_the_store_learns_is_shown_and_changed(home: Home) -> None:
    shown = _json(home, "stores", "learning")
    changed = _json(home, "stores", "learning", "--reconcile-api-writes", "on", "--traits", "off")
    back = _json(home, "stores", "learning", "--reconcile-api-writes", "off")

    assert shown == {"reconcileApiWrites": False, "traits": "propose", "version": 1}
    assert changed == {"reconcileApiWrites": True, "traits": "off", "version": 2}
    assert back == {"reconcileApiWrites": False, "traits": "off", "version": 3} == _json(home, "stores", "learning")


def test_a_body_against_the_rules_is_refused_by_name(home: Home) -> None:
    assert "body.json: It is not JSON" in _refused(home, "identity", "--set", _file(home, "{"))
    assert "displayName must be ASCII letters, digits, dots, dashes or underscores" in _refused(
        home, "trait-groups", "--set", _file(home, '{"displayName": "A B"}')
    )


def test_a_body_that_is_not_there_is_named(home: Home, tmp_path: Path) -> None:
    assert "nowhere.json can't be read" in _refused(home, "identity", "--set", str(tmp_path / "nowhere.json"))


def test_a_trait_group_is_made_changed_and_removed(home: Home) -> None:
    traits: dict[str, Any] = {
        "tier": {"dataType": "STRING", "validationRule": {"ruleType": "STRING", "pattern": "gold|silver"}},
        "points": {"dataType": "NUMBER"},
    }
    made = _json(home, "trait-groups", "--set", _file(home, json.dumps({"displayName": "Loyalty", "traits": traits})))
    assert made["traitGroups"][1] == {"displayName": "Loyalty", "traits": traits, "version": 1}

    change = {"displayName": "Loyalty", "traits": {"points": {"dataType": ""}}, "version": 1}
    changed = _json(home, "trait-groups", "--set", _file(home, json.dumps(change)))
    assert changed["traitGroups"][1] == {"displayName": "Loyalty", "traits": {"tier": traits["tier"]}, "version": 2}

    left = _json(home, "trait-groups", "--delete", "Loyalty")
    assert [one["displayName"] for one in left["traitGroups"]] == ["Contact"]
    assert "Contact is in every store" in _refused(home, "trait-groups", "--delete", "Contact")


def test_a_toolset_that_is_not_there_is_refused(home: Home) -> None:
    assert "Toolsets: agent, conversation, curator" in _refused(home, "--toolsets", "agent,admin", "doctor")
