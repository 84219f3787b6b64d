"""What a leg lacks: tests of the contract that must fail there, how, and which rule of the published API it is.

A test that is listed must fail in just this way, and is no longer listed once it does not. A name with a case in
brackets is that case alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pytest

from mcp_memory.errors import Conflict, Invalid, Unsupported

LEFT_OUT: Final[Mapping[str, str]] = {
    "as_of": "The service recalls what it knows now: its document has no call that tells what was known.",
    "changes": "It has no call that tells what changed.",
    "trait_history": "Traits are told with when they were last given, and no call tells what they were.",
    "any_order": "It merges and takes apart by hand, which the document has no call for.",
    "communications": "Conversations are the conversation service's: the memory service is brought none.",
    "conversations": "Messages are the conversation service's: the memory service is brought none.",
    "extractions": "Conversations are the conversation service's, and so is how far it is with learning from them.",
    "identity_laws": "It opens a store for each of its examples: an account may have 15.",
    "imports": "Its rows are added by whoever reads the file, and that is the service. Uploads and bulks do run.",
    "learning": "Conversations are the conversation service's, and so is what is learned from them.",
    "learning_settings": "How a store learns is said by no call of the document, and what is posted is the service's.",
    "orchestrator": "Conversations are the conversation service's: the memory service is brought none.",
    "models": "It is about vectors, which the service makes itself.",
    "quotas": "What a tenant may keep here is told to no service: its own limits hold there, and it says so itself.",
    "quality": "It measures our ranking, which is the same code behind HTTP, and nobody knows the service's.",
    "story": "It is told in conversations, which are the conversation service's.",
    "requests": "Operations and replies are kept by a server for its own clients.",
    "tenants": "Whoever runs the host removes a tenant: the document has no call for it.",
    "trait_proposals": "Conversations are the conversation service's, and so is what their customers state.",
    "unmerge": "It merges and takes apart by hand, which the document has no call for.",
}
"""Files of the contract that run on SQL alone. All others run on every leg."""

DID_NOT_RAISE: Final = pytest.fail.Exception
BOTH: Final = ("managed", "api")


@dataclass(frozen=True, kw_only=True)
class Lack:
    """`says`: a pattern of what it `raises` with."""

    reason: str
    raises: type[BaseException]
    says: str
    tests: Sequence[str]
    legs: Sequence[str] = ("managed",)

    def mark(self) -> pytest.MarkDecorator:
        raised = pytest.RaisesExc(self.raises, match=self.says)
        return pytest.mark.xfail(raises=raised, strict=True, reason=self.reason)


def lack(leg: str, module: str, name: str, case: str) -> Lack | None:
    """What the case of the test needs and the leg has not."""
    names = {f"{module}::{name}", f"{module}::{name}[{case}]"}
    return next((one for one in LACKS if leg in one.legs and names & set(one.tests)), None)


# What neither leg has, since no wire of the document carries it.
WIRE: Final = (
    Lack(
        legs=BOTH,
        reason="The document has no call that merges profiles by hand.",
        raises=Unsupported,
        says="merges no profiles by hand",
        tests=(
            "curating::test_a_corrected_item_goes_with_the_profile_it_was_learned_of",
            "deleting_profiles::test_what_was_taken_from_another_is_the_others_again",
            "deleting_profiles::test_who_was_once_one_with_it_is_still_explained",
            "identity::test_a_merge_and_its_undoing_are_changes_of_both",
            "identity::test_merges_that_make_no_sense_are_refused_and_change_nothing",
            "identity::test_merging_by_hand_overrules_what_keeps_apart",
            "identity::test_more_profiles_than_a_person_had_are_not_merged_by_hand",
            "naming::test_of_merged_profiles_only_the_trait_of_that_value_goes",
            "naming::test_what_there_is_room_for_again_identifies_again",
            "pages::test_of_merged_profiles_only_the_live_one_is_listed",
            "room::test_a_raised_limit_makes_room",
            "room::test_a_removed_trait_does_not_come_back_by_unmerging",
            "room::test_a_shared_value_comes_back_though_others_have_it",
            "room::test_room_is_made_by_undoing_any_of_the_merges",
            "room::test_room_that_a_deleted_group_leaves_is_taken",
            "room::test_the_latest_of_three_holds_whatever_their_clocks",
            "room::test_undoing_one_merge_destroys_nothing_that_another_will_give_back",
            "room::test_what_is_said_again_goes_with_its_trait_to_the_one_who_brought_it",
            "room::test_what_only_a_merge_made_too_much_is_not_dropped",
            "room::test_what_somebody_else_has_no_longer_identifies_again",
            "room::test_what_somebody_else_has_takes_no_room",
            "room::test_what_somebody_else_took_can_still_be_removed",
            "room::test_what_there_was_no_room_for_is_reported",
            "room::test_what_was_learned_under_each_common_id_is_counted",
            "room::test_what_was_retired_and_is_said_again_identifies_again",
            "room::test_who_is_part_of_whom_is_told_as_it_is_now",
        ),
    ),
    Lack(
        legs=BOTH,
        reason="The document has no call that takes profiles apart.",
        raises=Unsupported,
        says="takes no profiles apart",
        tests=(
            "identity::test_a_curator_reunites_two_named_in_either_order",
            "identity::test_those_taken_apart_stay_so_when_one_of_them_is_merged_into_a_third",
            "room::test_a_blocked_value_beside_a_shared_one_is_kept_apart",
            "room::test_the_same_call_again_does_not_join_what_it_was_told_to_keep_apart",
        ),
    ),
    Lack(
        legs=BOTH,
        reason="The document has no call that says why profiles are one.",
        raises=Unsupported,
        says="does not say why profiles are one",
        tests=(
            "deleting_profiles::test_who_was_kept_apart_from_it_is_still_explained",
            "identity::test_the_ledger_names_the_two_whose_identifiers_met",
            "identity::test_what_was_kept_apart_is_explained",
            "naming::test_an_identifier_is_added_normalised_and_comes_from_no_trait",
            "naming::test_an_identifier_that_is_there_is_added_once",
        ),
    ),
    Lack(
        legs=("api",),
        reason="The document has no call that says why profiles are one.",
        raises=Unsupported,
        says="does not say why profiles are one",
        tests=(
            "naming::test_an_identifier_that_stays_with_somebody_else_is_not_added",
            "naming::test_where_the_new_value_stays_with_somebody_else_so_does_the_old_one",
            "room::test_what_a_limit_kept_apart_leaves_no_separation",
        ),
    ),
    Lack(
        legs=BOTH,
        reason="CreateProfilesImportV2 answers with an address, and what is brought there the service reads.",
        raises=Unsupported,
        says="Imports into the memory service are uploaded to it",
        tests=(
            "uploads::test_a_file_that_cannot_be_read_fails_the_import_and_says_why",
            "uploads::test_an_import_from_a_file_is_never_an_upload_that_was_begun",
            "uploads::test_an_upload_that_broke_off_goes_on_with_the_same_file_only",
            "uploads::test_an_upload_waits_for_its_file",
            "uploads::test_with_its_file_it_is_imported_as_any_other",
        ),
    ),
    Lack(
        legs=BOTH,
        reason="Traits are declared before they are given (PatchProfileTraits, CreateProfile).",
        raises=Invalid,
        says="is not declared in this store",
        tests=(
            "profiles::test_new_traits_are_declared_with_the_type_they_show",
            "trait_groups::test_traits_an_agent_makes_up_have_a_group_too",
        ),
    ),
    Lack(
        legs=BOTH,
        reason="Traits are declared before they are given (PatchProfileTraits, CreateProfile).",
        raises=AssertionError,
        says="the store would have 51 trait groups' in 'traits: G0.a, ",
        tests=(
            "profiles::test_what_breaks_a_rule_is_refused_by_name_and_writes_nothing"
            "[traits15-the store would have 51 trait groups]",
        ),
    ),
    Lack(
        legs=BOTH,
        reason="Traits are declared before they are given (UpdateProfilesBulk).",
        raises=AssertionError,
        says=r"'refused'\] == \['refused', .*'created'\]",
        tests=("bulks::test_what_a_refused_entry_would_have_declared_is_not_declared",),
    ),
    Lack(
        legs=BOTH,
        reason="A Store has no setting for traits that nobody declared: they are always refused.",
        raises=AssertionError,
        says="'refuse' == 'declare'",
        tests=("stores::test_a_store_that_was_opened_by_its_name_declares_what_is_new",),
    ),
    Lack(
        legs=BOTH,
        reason="A Store has no count of its profiles.",
        raises=AssertionError,
        says="None == 1",
        tests=("stores::test_a_store_counts_its_profiles",),
    ),
    Lack(
        legs=BOTH,
        reason="A Profile does not name the ids that it was known by.",
        raises=AssertionError,
        says="Right contains one more item: 'mem_profile_",
        tests=("identity::test_a_profile_says_by_which_ids_it_was_known",),
    ),
    Lack(
        legs=BOTH,
        reason="A Profile has no updatedAt, and of its parts only traits have a time: identifiers have none.",
        raises=AssertionError,
        says=r"datetime\.datetime",
        tests=(
            "naming::test_what_is_added_or_removed_changes_the_profile",
            "profiles::test_with_a_clock_that_goes_back_no_update_is_earlier_than_another",
        ),
    ),
    Lack(
        legs=BOTH,
        reason="A revision says neither who made it nor why.",
        raises=AssertionError,
        says=r"Authorship\(a.* == .*Authorship\(a",
        tests=(
            "history::test_each_revision_says_who_made_it_and_why",
            "history::test_several_that_are_learned_at_once_have_their_author_each",
            "history::test_what_undid_says_so",
        ),
    ),
    Lack(
        legs=BOTH,
        reason="There is no call that lists the revisions of a summary.",
        raises=Unsupported,
        says="keeps no revisions of summaries",
        tests=(
            "history::test_a_deleted_summary_is_gone_with_its_revisions",
            "history::test_a_summary_keeps_what_it_was",
        ),
    ),
    Lack(
        legs=BOTH,
        reason="Times are written in whole seconds: clients of the service read no others.",
        raises=AssertionError,
        says="datetime",
        tests=(
            "curating::test_each_correction_is_later_than_what_it_corrects",
            "memories::test_a_time_is_kept_to_the_microsecond",
        ),
    ),
    Lack(
        legs=BOTH,
        reason="CreateProfilesLookup takes a whole value: nobody is found by the beginning of one.",
        raises=AssertionError,
        says=r"\[\] == \['mem_profile",
        tests=("profiles::test_profile_ids_complete_from_the_beginning_of_an_identifier",),
    ),
    Lack(
        legs=BOTH,
        reason="occurredAt is required: what happened now is sent with its time, and later it is another event.",
        raises=AssertionError,
        says=r"\['added', .*\] == \[.*'duplicate'\]",
        tests=(
            "memories::test_a_value_that_returns_is_learned_again_and_a_repetition_is_not",
            "memories::test_the_same_words_again_are_a_duplicate",
        ),
    ),
    Lack(
        legs=BOTH,
        reason="UpdateProfilesBulk answers with a message, not with what became of each.",
        raises=AssertionError,
        says=r"\[0, 0, 0\] == \[0, 0, 1\]",
        tests=("bulks::test_a_bulk_tells_how_many_became_one",),
    ),
    Lack(
        legs=BOTH,
        reason="What is recalled has a score, and no reasons.",
        raises=AssertionError,
        says="None is not None",
        tests=(
            "recall::test_full_detail_says_how_well_a_day_fits",
            "recall::test_full_detail_says_why_each_item_came",
        ),
    ),
    Lack(
        legs=BOTH,
        reason="What is recalled does not say that it is outdated.",
        raises=AssertionError,
        says=r"\[None, None, None\] == \[None, 'mem_o",
        tests=("recall::test_statements_that_are_outdated_say_by_what",),
    ),
    Lack(
        legs=BOTH,
        reason="What is recalled does not say that it is outdated, so a small max_tokens may keep it alone.",
        raises=AssertionError,
        says="Discount reduced to 12.5%, valid until the end of 2027.' in ",
        tests=tuple(
            f"recall::test_what_is_outdated_never_fits_where_what_replaced_it_does_not[{most}]" for most in (12, 16, 20)
        ),
    ),
    Lack(
        legs=BOTH,
        reason="Recall does not say that it knows nothing of the conversation.",
        raises=AssertionError,
        says="unknown_conversation",
        tests=("recall::test_a_conversation_that_nobody_recorded_is_said_to_be_unknown",),
    ),
    Lack(
        legs=("api",),
        reason="The dictionary has a code for too many stores and groups, and none for too many data mappings.",
        raises=Conflict,
        says="There are 100 data mappings, which is the limit",
        tests=("data_mappings::test_a_store_has_no_more_than_a_page_of_them",),
    ),
)

# What the managed service does otherwise than ours, as far as its documents say, or does not promise.
SERVICE: Final = (
    Lack(
        reason="No answer says that something was there before, and the service is not said to look.",
        raises=AssertionError,
        says="'added'.* == .*'?du",
        tests=(
            "curating::test_a_duplicate_is_one_of_what_is_now",
            "curating::test_summaries_are_added_all_or_none_and_once_each",
            "curating::test_what_a_summary_was_corrected_to_is_a_duplicate",
            "memories::test_a_summary_is_a_duplicate_in_its_own_conversation_only",
            "memories::test_the_same_words_at_another_stated_time_are_another_event",
        ),
    ),
    Lack(
        reason="No answer says that something was there before, and the service is not said to look.",
        raises=AssertionError,
        says=r"\(3, 1\) == \(2, 1\)|2 == 1",
        tests=(
            "identity::test_what_is_said_twice_is_a_duplicate_also_after_a_merge",
            "memories::test_counts_follow_what_is_added",
        ),
    ),
    Lack(
        reason="Identifiers are current and historical: they stay when the trait that said them is removed.",
        raises=AssertionError,
        says=r"== (\{'phone': \['\+13175550142'\]\}|\{'phone': .*ana@work\.co|\[\]|\(\{'Contact'|\{'chat'|\['dana@exa)",
        tests=(
            "profiles::test_a_removed_identifying_trait_no_longer_finds_the_customer",
            "trait_groups::test_a_removed_trait_takes_only_its_own_identifiers",
            "trait_groups::test_a_trait_can_be_removed_whatever_another_one_says",
            "trait_groups::test_a_trait_removed_from_a_merged_profile_is_gone_on_both_sides",
            "trait_groups::test_a_trait_that_goes_takes_its_values_and_identifiers_along",
            "trait_groups::test_what_another_trait_still_says_goes_on_identifying",
            "trait_groups::test_what_comes_back_identifies_as_long_as_before",
        ),
    ),
    Lack(
        reason="A call about identifiers is not said to change the traits that they came from.",
        raises=AssertionError,
        says=r"== \{'|13175550143'\]\} == \{",
        tests=(
            "naming::test_a_replaced_identifier_identifies_nobody_and_its_trait_says_the_new_one",
            "naming::test_all_of_a_type_go_with_the_trait_that_said_so",
            "naming::test_of_several_the_one_goes_that_the_limit_would_take",
        ),
    ),
    Lack(
        reason="A call about identifiers is not said to look at the rule of a trait.",
        raises=DID_NOT_RAISE,
        says="DID NOT RAISE .*Invalid",
        tests=("naming::test_the_rule_of_its_trait_holds_for_the_new_value",),
    ),
    Lack(
        reason="limit is how many values are kept: several matches are merged whatever it is (IdentifierConfig).",
        raises=AssertionError,
        says=r"\[\] == \[.*(mem_profile|limit)",
        tests=(
            "identity::test_a_named_profile_keeps_its_only_user_id_from_anothers",
            "naming::test_an_identifier_that_stays_with_somebody_else_is_not_added",
            "naming::test_where_the_new_value_stays_with_somebody_else_so_does_the_old_one",
            "room::test_what_a_limit_kept_apart_leaves_no_separation",
        ),
    ),
    Lack(
        reason="limit is how many values are kept: several matches are merged whatever it is (IdentifierConfig).",
        raises=AssertionError,
        says="'updated' == 'created'",
        tests=("identity::test_a_new_user_id_on_a_known_phone_is_a_new_person",),
    ),
    Lack(
        reason="limit is how many values are kept: several matches are merged whatever it is (IdentifierConfig).",
        raises=ValueError,
        says=r"not enough values to unpack \(expected 1, got 0\)",
        tests=("identity::test_a_type_of_which_a_person_has_one_keeps_two_people_apart",),
    ),
    Lack(
        reason="limitPolicy lifo drops the newest, which may be the newest of those that were there.",
        raises=AssertionError,
        says=r"\['a@x.co', 'c@x.co'\] == \['a@x.co', 'b@x.co'\]",
        tests=("identity::test_past_its_limit_a_type_drops_the_oldest_or_the_newest[lifo-kept1]",),
    ),
    Lack(
        reason="No answer says which values a limit dropped.",
        raises=AssertionError,
        says=r"\[\] == \[Identifier",
        tests=("room::test_what_there_is_no_room_for_is_told",),
    ),
    Lack(
        reason="A type without a rule matches nobody, and is not said to keep its value from a second profile.",
        raises=AssertionError,
        says=r"\[\] == \[\('mem_profil.*'no_rule'\)\]",
        tests=("identity::test_a_type_without_a_rule_identifies_and_matches_nobody",),
    ),
    Lack(
        reason="No limit is published of how many profiles may become one.",
        raises=AssertionError,
        says=r"\[\] == \[\('web-2', 'size'\)\]",
        tests=("identity::test_more_profiles_than_a_person_had_are_not_merged",),
    ),
    Lack(
        reason="With enforceUnique false, only two values together match (IdentifierConfig).",
        raises=AssertionError,
        says="'mem_profile_.*' == 'mem_profile_",
        tests=("identity::test_what_many_may_share_identifies_while_one_has_it",),
    ),
    Lack(
        reason="With enforceUnique false, only two values together match: one alone is a new profile's.",
        raises=DID_NOT_RAISE,
        says="DID NOT RAISE .*Conflict",
        tests=("identity::test_what_many_may_share_merges_nobody_by_itself",),
    ),
    Lack(
        reason="No rule is published against removing what a merge by the same call brings.",
        raises=DID_NOT_RAISE,
        says="DID NOT RAISE .*Conflict",
        tests=("room::test_a_call_that_makes_two_one_removes_nothing",),
    ),
    Lack(
        reason="UpdateIdentityResolutionSettings and PatchTraitGroup have no 409 for what is stored.",
        raises=DID_NOT_RAISE,
        says="DID NOT RAISE .*Conflict",
        tests=(
            "identity_settings::test_a_type_becomes_shared_and_unique_again",
            "identity_settings::test_what_is_stored_cannot_be_normalised_otherwise_or_left_out",
            "trait_groups::test_a_type_changes_only_while_there_are_no_values",
        ),
    ),
    Lack(
        reason="In the document's example whatsapp is normalised by trim.",
        raises=AssertionError,
        says=r"IdentitySetti.* == IdentitySetti",
        tests=("identity_settings::test_a_whatsapp_address_is_a_phone_number",),
    ),
    Lack(
        reason="Names of trait groups are not said to be alike in any case.",
        raises=DID_NOT_RAISE,
        says="DID NOT RAISE .*Conflict",
        tests=("data_mappings::test_a_trait_group_that_a_mapping_speaks_of_stays",),
    ),
    Lack(
        reason="No limit is published of how many data mappings a store may have.",
        raises=DID_NOT_RAISE,
        says="DID NOT RAISE .*Full",
        tests=("data_mappings::test_a_store_has_no_more_than_a_page_of_them",),
    ),
    Lack(
        reason="No limit is published of how much the traits of a profile may be together.",
        raises=DID_NOT_RAISE,
        says="DID NOT RAISE .*Invalid",
        tests=("profiles::test_a_profile_carries_only_so_many_traits",),
    ),
    Lack(
        reason="How the service ranks is not published: the fake counts the words in common.",
        raises=AssertionError,
        says=r"^(AssertionError: )?assert .* (==|>|<=) ",
        tests=(
            "recall::test_a_phone_number_is_found_in_any_spelling_and_its_neighbour_is_not[13175550142]",
            "recall::test_a_question_about_a_day_finds_what_was_learned_then",
            "recall::test_a_question_about_last_week_knows_what_day_it_is",
            "recall::test_a_question_finds_its_answer_first[When is a good time to ring?-3]",
            "recall::test_a_question_finds_its_answer_first[does the customer keep pets-5]",
            "recall::test_a_question_finds_its_answer_first[which fabrics must we avoid-2]",
            "recall::test_chinese_and_japanese_are_found_by_their_characters",
            "recall::test_scores_fall_from_best_to_worst_within_zero_and_one",
            "recall::test_two_that_were_learned_at_once_are_told_apart_by_their_order",
            "recall::test_what_has_not_the_id_that_is_asked_for_scores_low",
            "recall::test_what_holds_the_id_of_a_question_stands_before_all_that_is_like_it"
            "[What is the state of order B-7731?-Paid for b7731 in cash.]",
            "recall::test_what_holds_the_id_of_a_question_stands_before_all_that_is_like_it"
            "[ticket #90412-90412 was closed.]",
            "recall::test_what_holds_the_id_of_a_question_stands_before_all_that_is_like_it"
            "[which mail did lee.chan@example.org send-Lee.Chan@example.org complained.]",
        ),
    ),
)
LACKS: Final = (*WIRE, *SERVICE)
