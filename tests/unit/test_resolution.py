"""The rules by which profiles match, on bare values."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory.errors import Conflict
from mcp_memory.identity import IdentifierConfig, IdentitySettings
from mcp_memory.model import Identifier
from mcp_memory.resolution import Candidate, Decision, resolve, survivor

MONDAY = datetime(2026, 5, 4, tzinfo=UTC)
USER, EMAIL, PHONE, DESK = (
    Identifier("user_id", "u-1"),
    Identifier("email", "a@x.co"),
    Identifier("phone", "+1"),
    Identifier("desk", "7"),
)
SETTINGS = IdentitySettings(
    identifier_configs=(
        IdentifierConfig(id_type="user_id", limit=1),
        IdentifierConfig(id_type="email"),
        IdentifierConfig(id_type="phone"),
        IdentifierConfig(id_type="desk", enforce_unique=False),
        IdentifierConfig(id_type="badge", enforce_unique=False),
        IdentifierConfig(id_type="note"),
    ),
    matching_rules=("user_id", "email", "phone", "desk", "badge"),
)


def profile(
    name: str,
    *matched: Identifier,
    user_id: str | None = None,
    named: bool = False,
    apart: Mapping[str, Identifier] | None = None,
    day: int = 0,
) -> Candidate:
    return Candidate(
        profile_id=name,
        created_at=MONDAY + timedelta(days=day),
        identifiers={"user_id": frozenset({user_id})} if user_id else {},
        matched=dict.fromkeys(matched, name),
        separated={other: frozenset({identifier}) for other, identifier in (apart or {}).items()},
        named=name if named else None,
    )


def resolved(*candidates: Candidate, also: tuple[Identifier, ...] = ()) -> Decision:
    brought = {match for one in candidates for match in one.matched} | set(also)
    return resolve(sorted(brought), candidates, SETTINGS)


def test_nobody_matches() -> None:
    assert resolved(also=(EMAIL,)) == Decision(target=None)


def test_the_strongest_rule_decides_whose_it_is() -> None:
    decision = resolved(profile("by phone", PHONE), profile("by email", EMAIL, day=1))

    assert (decision.target, decision.holder) == ("by email", "by email")
    assert [(link.profile_id, link.identifier) for link in decision.links] == [("by phone", PHONE)]


def test_the_one_that_is_named_comes_before_every_rule() -> None:
    decision = resolved(profile("by user", USER), profile("named", named=True))

    assert decision.target == "named"
    assert [(link.one, link.other, link.identifier) for link in decision.links] == [("named", "by user", USER)]


def test_three_matches_make_a_tree_of_two_links() -> None:
    decision = resolved(profile("a", USER), profile("b", EMAIL), profile("c", PHONE))

    assert [(link.one, link.other) for link in decision.links] == [("a", "b"), ("a", "c")]


def test_the_limit_of_one_keeps_apart_what_a_weaker_match_would_join() -> None:
    decision = resolved(profile("a", EMAIL, user_id="u-1"), profile("b", PHONE, user_id="u-2"))

    assert decision.target == "a" and decision.links == ()
    assert [(one.identifier, one.holder_id, one.reason) for one in decision.apart] == [(PHONE, "b", "limit")]


def test_it_also_keeps_apart_those_who_come_third() -> None:
    decision = resolved(
        profile("a", EMAIL),
        profile("b", PHONE, user_id="u-2"),
        profile("c", DESK, Identifier("badge", "1"), user_id="u-3"),
    )

    assert [link.profile_id for link in decision.links] == ["b"]


def test_a_value_the_call_brings_keeps_apart_too() -> None:
    decision = resolved(profile("a", PHONE, user_id="u-2"), also=(USER,))

    assert decision.target is None
    assert decision.refused == {PHONE}


def test_what_was_taken_apart_needs_another_link() -> None:
    one, other = profile("a", EMAIL, apart={"b": PHONE}), profile("b", PHONE, apart={"a": PHONE})
    assert [each.reason for each in resolved(one, other).apart] == ["unmerged"]

    by_name = resolved(profile("a", named=True, apart={"b": PHONE}), other)
    assert [each.reason for each in by_name.apart] == ["unmerged"]

    again = resolved(one, profile("b", PHONE, USER, apart={"a": PHONE}))
    assert [link.identifier for link in again.links] == [EMAIL]


def test_a_shared_value_links_nobody_and_is_refused_nobody() -> None:
    decision = resolved(profile("a", EMAIL), profile("b", DESK))

    assert (decision.target, decision.links, decision.apart) == ("a", (), ())


def test_a_shared_value_may_be_taken_by_one_who_is_kept_apart() -> None:
    decision = resolved(profile("a", DESK, user_id="u-2"), also=(USER,))

    assert decision == Decision(target=None)


def test_two_shared_values_tell_a_person() -> None:
    badge = Identifier("badge", "1")
    decision = resolved(profile("a", DESK), profile("b", DESK, badge), profile("c", DESK, badge))

    assert decision.target == "b"
    assert [link.profile_id for link in decision.links] == ["c"]


def test_a_shared_value_that_both_have_is_no_stronger_link() -> None:
    shared_first = replace(SETTINGS, matching_rules=("desk", "user_id", "email", "phone"))
    one, other = profile("a", EMAIL, DESK, user_id="u-1"), profile("b", PHONE, DESK, user_id="u-2")

    decision = resolve([EMAIL, PHONE, DESK], [one, other], shared_first)

    assert [(each.identifier, each.differ) for each in decision.apart] == [(PHONE, "user_id")]


def test_different_values_of_a_shared_type_keep_nobody_apart() -> None:
    settings = replace(
        SETTINGS,
        identifier_configs=tuple(
            replace(one, limit=1) if one.id_type == "desk" else one for one in SETTINGS.identifier_configs
        ),
        matching_rules=("desk", "email", "phone"),
    )
    people = [
        replace(profile(name, match), identifiers={"desk": frozenset({name})})
        for name, match in (("a", EMAIL), ("b", PHONE))
    ]

    assert [link.profile_id for link in resolve([EMAIL, PHONE], people, settings).links] == ["b"]


def test_one_shared_value_tells_nobody_where_several_have_it() -> None:
    with pytest.raises(Conflict, match=r"share this desk \(p0, p1, p2, p3, p4, …\)"):
        resolved(*(profile(f"p{number}", DESK) for number in range(9)))


def test_one_shared_value_beside_a_new_one_is_a_new_person() -> None:
    assert resolved(profile("a", DESK), also=(EMAIL,)).target is None


def test_what_no_rule_is_about_stays_where_it_is() -> None:
    note = Identifier("note", "n")
    decision = resolved(profile("a", EMAIL, note), profile("b", Identifier("note", "m")))

    assert [(one.identifier.value, one.reason) for one in decision.apart] == [("m", "no_rule")]
    assert resolved(profile("b", DESK, note), profile("c", DESK, Identifier("badge", "1"))).target == "c"


def test_the_earliest_survives() -> None:
    assert survivor([(MONDAY, "b"), (MONDAY, "a"), (MONDAY + timedelta(days=1), "0")]) == "a"


identifiers = st.sampled_from(
    [Identifier(kind, value) for kind in ("user_id", "email", "phone", "desk") for value in "12"]
)
candidates = st.lists(
    st.tuples(st.frozensets(identifiers, min_size=1), st.sampled_from([None, "1", "2"]), st.integers(0, 3)), max_size=5
)


@given(found=candidates, data=st.randoms(use_true_random=False))
def test_the_order_in_which_candidates_are_found_does_not_matter(
    found: list[tuple[frozenset[Identifier], str | None, int]], data: object
) -> None:
    taken: set[Identifier] = set()
    people = []
    for number, (matched, user_id, day) in enumerate(found):
        mine = [one for one in matched if one.id_type == "desk" or one not in taken]
        taken |= {one for one in mine if one.id_type != "desk"}
        people.append(profile(f"p{number}", *sorted(mine), user_id=user_id, day=day))
    shuffled = [*people]
    data.shuffle(shuffled)  # type: ignore[attr-defined]

    outcomes = []
    for order in (people, shuffled):
        try:
            outcomes.append(resolved(*order))
        except Conflict as exc:
            outcomes.append(Decision(target=str(exc)))

    assert outcomes[0].target == outcomes[1].target
    assert outcomes[0].links == outcomes[1].links
    assert set(outcomes[0].apart) == set(outcomes[1].apart)
    assert not {link.profile_id for link in outcomes[0].links} & {one.holder_id for one in outcomes[0].apart}
