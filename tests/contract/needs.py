"""What of the contract the managed service does not do, or does otherwise, as its strict fake and our own API show it.

A test that is listed must fail on that leg in the way its lack says, and is no longer listed once it does not. `some:`
only some of its cases do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest

from mcp_memory.errors import Error, Invalid, NotFound, Unsupported

RUN = ("stores", "profiles", "memories", "recall", "identity_settings", "trait_groups", "identity", "curating")
"""The files of the contract that are about what the service offers to one tenant."""


@dataclass(frozen=True)
class Lack:
    reason: str
    raises: tuple[type[BaseException], ...]
    strict: bool = True


WRONG = (AssertionError, pytest.fail.Exception, ValueError)
LACKS: Mapping[str, Lack] = {
    "by hand": Lack("needs merging by hand, explanations, or messages, which it says it lacks", (Unsupported,)),
    "undeclared": Lack("needs traits that nobody declared", (Invalid, *WRONG)),
    "tenants": Lack("needs a second tenant", (NotFound, ExceptionGroup)),
    "counts": Lack("needs counts, or the time a store was made at", (AssertionError,)),
    "duplicates": Lack("needs times that are left open, or duplicates told", (AssertionError,)),
    "ranking": Lack("needs our ranking, or its reasons", (Error, *WRONG)),
    "rules": Lack("needs our rules of resolution, or a conflict told from what is invalid", (Error, *WRONG)),
    "race": Lack("needs to know who came first", (Error, ExceptionGroup, *WRONG), strict=False),
}

BOTH: Mapping[str, Sequence[str]] = {
    "by hand": (
        "identity::test_a_curator_reunites_two_named_in_either_order",
        "identity::test_a_merge_and_its_undoing_are_changes_of_both",
        "identity::test_merges_that_make_no_sense_are_refused_and_change_nothing",
        "identity::test_merging_by_hand_overrules_what_keeps_apart",
        "identity::test_the_latest_write_of_a_trait_holds",
        "identity::test_what_is_said_twice_is_a_duplicate_also_after_a_merge",
        "trait_groups::test_a_trait_removed_from_a_merged_profile_is_gone_on_both_sides",
    ),
    "counts": (
        "curating::test_a_deleted_observation_is_gone_with_its_revisions",
        "curating::test_a_deleted_summary_is_gone",
        "identity::test_a_merged_id_goes_on_naming_the_person_everywhere",
        "identity_settings::test_a_type_of_ones_own_is_normalised_as_it_says",
        "memories::test_counts_follow_what_is_added",
        "profiles::test_a_store_can_refuse_traits_nobody_declared",
        "profiles::test_without_an_identifying_trait_nobody_is_created",
        "stores::test_a_deleted_store_is_gone_and_its_name_is_free",
        "stores::test_a_new_store_is_empty_and_declares_what_is_new",
        "stores::test_a_store_counts_its_profiles_and_keeps_its_rules",
        "trait_groups::test_a_value_against_its_rule_is_refused",
    ),
    "duplicates": (
        "memories::test_a_value_that_returns_is_learned_again_and_a_repetition_is_not",
        "memories::test_the_same_words_again_are_a_duplicate",
        "memories::test_what_goes_in_comes_out",
    ),
    "race": (
        "identity::test_sixteen_at_once_who_each_know_two_channels_make_one_person",
        "profiles::test_one_person_arriving_sixteen_times_at_once_is_one_profile",
    ),
    "ranking": (
        "recall::test_a_conversation_that_nobody_recorded_is_said_to_be_unknown",
        "recall::test_a_question_about_a_day_finds_what_was_learned_then",
        "recall::test_full_detail_says_why_each_item_came",
        "recall::test_the_latest_of_statements_about_one_attribute_stands_first_and_the_others_say_so",
    ),
    "rules": (
        "curating::test_each_correction_is_later_than_what_it_corrects",
        "identity::test_in_one_bulk_the_later_entry_is_the_later_write",
        "identity::test_what_a_refused_entry_would_have_declared_is_not_declared",
        "identity::test_what_many_may_share_merges_nobody_by_itself",
        "identity_settings::test_a_type_becomes_shared_and_unique_again",
        "identity_settings::test_what_is_stored_cannot_be_normalised_otherwise_or_left_out",
        "profiles::test_a_change_of_traits_is_an_update_and_a_clock_that_goes_back_is_not",
        "profiles::test_a_profile_carries_only_so_many_traits",
        "profiles::test_profile_ids_complete_from_an_id_or_an_identifier",
        "trait_groups::test_a_store_has_only_so_many_groups",
        "trait_groups::test_a_type_changes_only_while_there_are_no_values",
    ),
    "some:ranking": ("recall::test_what_is_outdated_never_fits_where_what_replaced_it_does_not",),
    "some:rules": ("profiles::test_what_breaks_a_rule_is_refused_by_name_and_writes_nothing",),
    "some:undeclared": ("profiles::test_what_breaks_a_rule_is_refused_by_name_and_writes_nothing",),
    "tenants": (
        "stores::test_a_store_opened_by_many_at_once_is_one",
        "stores::test_a_name_is_taken_once_per_tenant",
        "stores::test_a_tenant_has_no_more_stores_than_published",
        "stores::test_each_tenant_and_each_name_has_a_store_of_its_own",
        "stores::test_stores_are_listed_a_page_at_a_time",
    ),
    "undeclared": (
        "profiles::test_new_traits_are_declared_with_the_type_they_show",
        "trait_groups::test_traits_an_agent_makes_up_have_a_group_too",
    ),
}
MANAGED: Mapping[str, Sequence[str]] = {
    "counts": ("stores::test_a_store_is_changed_and_counts_its_changes",),
    "duplicates": (
        "memories::test_a_summary_is_a_duplicate_in_its_own_conversation_only",
        "memories::test_the_same_words_at_another_stated_time_are_another_event",
    ),
    "ranking": (
        "recall::test_a_question_about_last_week_knows_what_day_it_is",
        "recall::test_chinese_and_japanese_are_found_by_their_characters",
        "recall::test_scores_fall_from_best_to_worst_within_zero_and_one",
        "recall::test_two_that_were_learned_at_once_are_told_apart_by_their_order",
        "recall::test_what_has_not_the_id_that_is_asked_for_scores_low",
    ),
    "rules": (
        "curating::test_a_duplicate_is_one_of_what_is_now",
        "curating::test_a_summary_is_corrected",
        "curating::test_summaries_are_added_all_or_none_and_once_each",
        "identity::test_a_named_profile_keeps_its_only_user_id_from_anothers",
        "identity::test_a_new_user_id_on_a_known_phone_is_a_new_person",
        "identity::test_a_stronger_rule_than_the_limited_one_does_merge",
        "identity::test_a_type_of_which_a_person_has_one_keeps_two_people_apart",
        "identity_settings::test_a_change_counts_the_version_up_and_is_one_stores_own",
        "identity_settings::test_a_store_starts_with_the_published_types",
        "identity_settings::test_settings_against_the_rules_are_refused_by_name",
        "profiles::test_a_removed_identifying_trait_no_longer_finds_the_customer",
        "trait_groups::test_a_number_that_identifies_stays_a_number",
        "trait_groups::test_a_removed_trait_takes_only_its_own_identifiers",
        "trait_groups::test_a_trait_that_goes_takes_its_values_and_identifiers_along",
        "trait_groups::test_every_store_has_the_contact_group",
        "trait_groups::test_what_another_trait_still_says_goes_on_identifying",
        "trait_groups::test_what_comes_back_identifies_as_long_as_before",
    ),
    "some:ranking": (
        "recall::test_a_phone_number_is_found_in_any_spelling_and_its_neighbour_is_not",
        "recall::test_a_question_finds_its_answer_first",
        "recall::test_what_holds_the_id_of_a_question_stands_before_all_that_is_like_it",
    ),
    "some:rules": (
        "identity::test_two_shared_values_tell_one_of_very_many",
        "curating::test_changing_nothing_is_no_change",
        "identity::test_past_its_limit_a_type_drops_the_oldest_or_the_newest",
    ),
    "undeclared": (
        "curating::test_a_merged_profile_lists_what_all_of_it_learned",
        "curating::test_an_item_of_somebody_else_is_not_found",
        "curating::test_items_of_a_merged_profile_are_changed_by_any_of_its_ids",
        "identity::test_a_type_without_a_rule_identifies_and_matches_nobody",
        "identity::test_more_profiles_than_a_person_had_are_not_merged",
        "identity::test_one_who_texts_mails_and_chats_becomes_one_profile",
        "identity::test_the_ledger_names_the_two_whose_identifiers_met",
        "identity::test_those_taken_apart_stay_so_when_one_of_them_is_merged_into_a_third",
        "identity::test_two_shared_values_together_do_merge",
        "identity::test_what_many_may_share_identifies_while_one_has_it",
        "identity_settings::test_a_trait_promoted_to_a_type_the_store_does_not_have_is_a_trait",
        "memories::test_another_customer_may_say_the_same",
        "profiles::test_the_first_type_that_somebody_has_answers",
        "recall::test_an_empty_profile_recalls_nothing",
        "trait_groups::test_a_trait_can_be_removed_whatever_another_one_says",
    ),
}
API: Mapping[str, Sequence[str]] = {
    "by hand": (
        "curating::test_a_merged_profile_lists_what_all_of_it_learned",
        "curating::test_items_of_a_merged_profile_are_changed_by_any_of_its_ids",
        "identity::test_a_new_user_id_on_a_known_phone_is_a_new_person",
        "identity::test_a_type_of_which_a_person_has_one_keeps_two_people_apart",
        "identity::test_the_ledger_names_the_two_whose_identifiers_met",
        "identity::test_those_taken_apart_stay_so_when_one_of_them_is_merged_into_a_third",
    ),
    "counts": (
        "identity::test_a_named_profile_keeps_its_only_user_id_from_anothers",
        "identity::test_one_who_texts_mails_and_chats_becomes_one_profile",
        "identity::test_two_shared_values_together_do_merge",
    ),
    "rules": ("identity::test_more_profiles_than_a_person_had_are_not_merged",),
}


def lacks(leg: str, module: str, name: str) -> Lack | None:
    """What the test of this name needs and the leg has not."""
    test = f"{module.removeprefix('test_')}::{name}"
    for table in (BOTH, {"managed": MANAGED, "api": API}[leg]):
        for kind, names in table.items():
            if test in names:
                found = LACKS[kind.removeprefix("some:")]
                some = kind.startswith("some:")
                return Lack(found.reason, (Error, ExceptionGroup, *WRONG), strict=False) if some else found
    return None
