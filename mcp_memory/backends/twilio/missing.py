"""What the managed service does not offer, why, and what to do instead."""

from collections.abc import Mapping
from typing import Final

from mcp_memory.errors import Unsupported

CONVERSATIONS: Final = (
    "The memory service keeps no messages: they belong to the conversation service, which captures them itself. "
    "Remember what matters with add_observation and write_summary."
)
ORCHESTRATOR: Final = (
    "The memory service has no conversations of its own: configure, open and read them at the conversation service, "
    "which feeds the memory service itself."
)
IDENTITY: Final = "Profiles become one there by the identifiers they share."
UPLOADS: Final = (
    "Imports into the memory service are uploaded to it: create one there and put the file where it says. "
    "Their state can be asked for here."
)
VECTORS: Final = "The memory service keeps the vectors of what it remembers itself: there is nothing to do here."
ITS_OWN: Final = "The memory service keeps account of its own changes: ask it for the operation it named."

LEARNING: Final = "The memory service learns in its own way: set there what it learns, and how."

REVISIONS: Final = "The memory service keeps no revisions of summaries."
CHANGES: Final = "The memory service tells what it knows, not what has changed since."
TRAITS: Final = "The memory service tells what traits are, not what they were."
PROPOSALS: Final = (
    "The memory service proposes no traits: what it finds in conversations is its own affair. "
    "Set one with upsert_traits."
)
TENANT: Final = "The stores are the memory service's: delete them there, or one by one."

REASONS: Final[Mapping[str, str]] = {
    "delete_tenant": TENANT,
    "callback_secret": "The memory service calls nobody back: the conversation service does, and signs by the account.",
    "record_operation": ITS_OWN,
    "begin_request": ITS_OWN,
    "end_request": ITS_OWN,
    "merge_profiles": f"The memory service merges no profiles by hand. {IDENTITY} Give one an identifier of the other.",
    "unmerge_profile": f"The memory service takes no profiles apart. {IDENTITY}",
    "explain_identity": f"The memory service does not say why profiles are one. {IDENTITY}",
    "changes_since": CHANGES,
    "trait_history": TRAITS,
    "profile_at": TRAITS,
    "summary_history": REVISIONS,
    "record_messages": CONVERSATIONS,
    "list_communications": CONVERSATIONS,
    "get_conversation": CONVERSATIONS,
    "close_conversation": CONVERSATIONS,
    "learn": CONVERSATIONS,
    "create_configuration": ORCHESTRATOR,
    "get_configuration": ORCHESTRATOR,
    "list_configurations": ORCHESTRATOR,
    "replace_configuration": ORCHESTRATOR,
    "update_configuration": ORCHESTRATOR,
    "delete_configuration": ORCHESTRATOR,
    "store_of_conversation": ORCHESTRATOR,
    "stores_with_conversations": ORCHESTRATOR,
    "open_conversation": ORCHESTRATOR,
    "fetch_conversation": ORCHESTRATOR,
    "list_conversations": ORCHESTRATOR,
    "update_conversation": ORCHESTRATOR,
    "delete_conversation": ORCHESTRATOR,
    "add_participant": ORCHESTRATOR,
    "list_participants": ORCHESTRATOR,
    "get_participant": ORCHESTRATOR,
    "update_participant": ORCHESTRATOR,
    "post_communication": ORCHESTRATOR,
    "list_posted": ORCHESTRATOR,
    "get_posted": ORCHESTRATOR,
    "look_after_stores": CONVERSATIONS,
    "list_extractions": CONVERSATIONS,
    "get_extraction": CONVERSATIONS,
    "retry_extraction": CONVERSATIONS,
    "list_trait_proposals": PROPOSALS,
    "accept_trait_proposal": PROPOSALS,
    "reject_trait_proposal": PROPOSALS,
    "dry_run": "The memory service does not say beforehand what would become of an observation.",
    "get_learning_settings": LEARNING,
    "list_discarded": LEARNING,
    "update_learning_settings": LEARNING,
    "mend": VECTORS,
    "reembed": VECTORS,
    "create_import": UPLOADS,
    "begin_import": UPLOADS,
    "fail_import": UPLOADS,
    "start_import": UPLOADS,
    "add_import_rows": UPLOADS,
    "list_remarks": UPLOADS,
}


def missing(name: str) -> Unsupported:
    return Unsupported(REASONS[name])
