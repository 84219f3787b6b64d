"""The plan of the house, executed: who may import whom, how long things may be, who may touch the world.

A new file fails until the table says where it stands.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent / "mcp_memory"

MAX_FILE = 400  # lines; the longest files of the codebases we admire are the ones nobody admires
MAX_FUNCTION = 40

PURE = "errors model ids"
RULES = (
    "edits extractions history learning_settings listing operations mappings identity resolution ledger traits "
    "definitions imports"
)
SQL = f"{PURE} {RULES} language mentions budget weights candidates ranking statements/__init__ "
SQL += "backends/sql/catalog_rows backends/sql/cursors backends/sql/database backends/sql/memory_rows"
API = "http/api/answers http/api/asked http/api/route"  # what every route needs
REMOTE = "errors backends/twilio/calls backends/twilio/remote backends/twilio/replies"
MAY_IMPORT = {
    "__init__": "",
    "__main__": "cli",
    # The middle: values and rules, no I/O
    "errors": "",
    "text": "errors",
    "rights": "errors",
    "model": "errors rights",
    "inputs": "errors model edits text",
    "ids": "errors",
    "budget": "model",
    "mentions": "",
    "language": "mentions",
    "recent": "",
    "weights": "",
    "candidates": "mentions model",
    "ranking": "mentions weights candidates",
    "statements/wording": "",
    "statements/attributes": "statements/wording",
    "statements/frames": "statements/attributes statements/wording",
    "statements/values": "statements/wording",
    "statements/claims": "statements/attributes statements/frames statements/values statements/wording",
    "statements/__init__": "statements/attributes statements/claims statements/wording",
    # From conversations to memory
    "extraction/words": "",
    "extraction/orders": "extraction/words",
    "extraction/english": "extraction/words",
    "extraction/candidate": "model",
    "extraction/days": "extraction/words",
    "extraction/speech": "extraction/words",
    "extraction/screening": "extraction/words statements/wording",
    "extraction/references": "extraction/words",
    "extraction/openings": "extraction/words",
    "extraction/kinds": "extraction/candidate extraction/words statements/wording",
    "extraction/answers": "extraction/words statements/wording",
    "extraction/known": "statements/wording",
    "extraction/people": "model text extraction/orders extraction/speech extraction/words",
    "extraction/remarks": "model text extraction/words",
    "extraction/drafts": (
        "model extraction/candidate extraction/days extraction/english extraction/orders extraction/screening "
        "extraction/speech extraction/words"
    ),
    "extraction/requests": "extraction/candidate extraction/references extraction/words",
    "extraction/customer": (
        "extraction/answers extraction/candidate extraction/days extraction/drafts extraction/kinds "
        "extraction/openings extraction/orders extraction/people extraction/references extraction/remarks "
        "extraction/requests extraction/screening extraction/speech extraction/words"
    ),
    "extraction/agent": (
        "extraction/candidate extraction/days extraction/drafts extraction/kinds extraction/openings "
        "extraction/orders extraction/people extraction/references extraction/remarks extraction/screening "
        "extraction/words"
    ),
    "extraction/stated": (
        "model traits extraction/candidate extraction/orders extraction/people extraction/remarks extraction/words"
    ),
    "extraction/summary": "model extraction/candidate extraction/days",
    "extraction/__init__": (
        "model extraction/agent extraction/candidate extraction/customer extraction/drafts extraction/known "
        "extraction/people extraction/remarks extraction/summary"
    ),
    "reconciliation/wording": "statements/attributes statements/wording",
    "reconciliation/readings": "reconciliation/wording statements/__init__ statements/claims statements/wording",
    "reconciliation/numbers": "",
    "reconciliation/relations": (
        "reconciliation/numbers reconciliation/readings reconciliation/wording statements/__init__ "
        "statements/attributes statements/claims"
    ),
    "reconciliation/proposals": (
        "model reconciliation/__init__ reconciliation/numbers reconciliation/readings reconciliation/relations"
    ),
    "reconciliation/__init__": "model reconciliation/readings reconciliation/relations reconciliation/wording",
    "learning_settings": "",
    "identity": "errors model text",
    "traits": "errors model text",
    "resolution": "errors model identity",
    "ledger": "model",
    "definitions": "errors model text identity traits",
    "imports": "model traits",
    "edits": "errors model text",
    "history": "edits errors model text traits",
    "listing": "",
    "operations": "",
    "mappings": "errors text traits",
    "columns": "errors model text identity traits imports",
    "views": "model budget",
    "records": "model views",
    "revisions": "history model records views",
    "explanation": "ledger records views",
    "conversation_ids": "ids",
    "wire/__init__": "errors text inputs conversation_ids",
    "wire/pages": "wire/__init__",
    "wire/rules": "errors model identity learning_settings traits definitions wire/__init__ wire/pages",
    "wire/stores": "model edits operations wire/__init__ wire/pages",
    "wire/profiles": "model traits wire/__init__ wire/pages",
    "wire/memories": "model edits conversation_ids wire/__init__ wire/pages",
    "wire/configurations": (
        "callbacks/__init__ callbacks/urls ids operations text orchestrator/__init__ wire/__init__ wire/pages"
    ),
    "wire/orchestrator": (
        "conversations ids model text orchestrator/__init__ wire/__init__ wire/configurations wire/pages"
    ),
    "wire/proposals": "conversation_ids proposals wire/__init__ wire/pages",
    "wire/recall": "ids model wire/__init__ wire/memories",
    "wire/histories": "conversation_ids history model wire/__init__ wire/memories wire/pages",
    "wire/receipts": "model",
    "wire/outcomes": "model",
    "wire/extractions": "conversation_ids conversations extractions wire/__init__ wire/pages",
    "wire/imports": "imports wire/__init__ wire/pages",
    "wire/mappings": "errors mappings wire/__init__ wire/pages",
    # The seam, and what is true of every backend
    "histories": "history listing model",
    "learnings": "history learning_settings listing model",
    "proposals": "history listing model",
    "conversations": "",
    "orchestrator/__init__": "callbacks/__init__ conversations",
    "orchestrator/rules": "conversations errors model text orchestrator/__init__",
    "orchestrator/records": "callbacks/__init__ orchestrator/__init__",
    "orchestrations": "conversations listing model orchestrator/__init__",
    "extractions": "conversations listing model",
    "backend": (
        "conversations model edits extractions histories history listing operations "
        "mappings identity learnings ledger traits definitions imports orchestrations proposals"
    ),
    "service": (
        "errors rights model edits history listing operations mappings text ids identity ledger traits definitions "
        "imports chronicle dialogues orchestration"
    ),
    "chronicle": "backend errors history ids listing model rights scoping",
    "dialogues": (
        "chronicle conversations errors extractions history ids learning_settings listing model proposals rights"
    ),
    "orchestration": (
        "chronicle conversations dialogues errors ids listing model rights orchestrator/__init__ orchestrator/rules"
    ),
    "scoping": "errors rights model ids recent backend",
    "session": "model service",
    # Usage, and the metering around operations
    "metering/usage": "imports model orchestrator/__init__",
    "metering/counter": "errors metering/usage",
    "metering/memory": (
        "backend edits history imports ledger listing model orchestrator/__init__ proposals service traits "
        "metering/usage "
        "metering/counter"
    ),
    "metering/__init__": "errors logs model metering/usage metering/counter",
    "import_file": "errors model text identity columns imports service",
    "uploads": "errors",
    "import_queue": "errors model service import_file uploads",
    # Embedding
    "embedding/__init__": "",
    "embedding/runtime": "",
    "embedding/wordpiece": "",
    "embedding/minilm": "errors language embedding/__init__ embedding/runtime embedding/wordpiece",
    "embedding/texts": "",
    "endpoints/__init__": "",
    "endpoints/breaker": "errors",
    "endpoints/replies": "",
    "endpoints/posting": "errors endpoints/breaker endpoints/replies",
    "embedding/endpoint": "embedding/__init__ embedding/texts endpoints/posting endpoints/replies",
    "embedding/multilingual": "errors embedding/__init__ embedding/texts",
    "embedding/choice": (
        "errors settings/__init__ embedding/__init__ embedding/endpoint embedding/minilm embedding/multilingual"
    ),
    "embedding/build_model": "embedding/runtime embedding/minilm",
    # Extraction by a language model
    "extractors/__init__": "",
    "extractors/model": "",
    "extractors/openai": "errors endpoints/posting endpoints/replies extractors/model",
    "extractors/anthropic": "errors endpoints/posting endpoints/replies extractors/model",
    "extractors/replies": "",
    "extractors/framing": "model text extraction/__init__ extraction/summary extractors/model extractors/replies",
    "extractors/evidence": "model text extraction/days extraction/remarks extractors/model statements/wording",
    "extractors/candidates": (
        "model text extraction/__init__ extraction/days extraction/drafts extraction/known extraction/orders "
        "extraction/screening extraction/summary extractors/evidence"
    ),
    "extractors/prompts": "errors",
    "extractors/extractor": (
        "errors model extraction/__init__ extraction/known extractors/candidates extractors/framing extractors/model "
        "extractors/prompts extractors/replies"
    ),
    "extractors/comparing": (
        "model text extraction/__init__ extraction/orders extraction/screening extractors/framing extractors/model "
        "extractors/replies reconciliation/__init__ reconciliation/proposals"
    ),
    "extractors/reconciler": (
        "errors extractors/comparing extractors/model extractors/prompts extractors/replies reconciliation/proposals"
    ),
    "extractors/choice": (
        "errors settings/__init__ extractors/anthropic extractors/extractor extractors/framing extractors/model "
        "extractors/openai extractors/prompts extractors/reconciler extractors/replies"
    ),
    # What is told to others
    "callbacks/__init__": "",
    "callbacks/addresses": "hosts",
    "callbacks/urls": "errors hosts callbacks/addresses",
    "callbacks/signing": "",
    "callbacks/requests": "callbacks/__init__ callbacks/signing callbacks/urls",
    "callbacks/retries": "",
    "callbacks/resolving": "callbacks/addresses",
    "callbacks/sending": "callbacks/addresses callbacks/requests callbacks/resolving",
    # Backends: they know the middle, never a front door
    "backends/__init__": "",
    "backends/routing": "model backend",
    "backends/sql/__init__": "",
    "backends/sql/cursors": "errors listing",
    "backends/sql/catalog_rows": (
        "model operations tenancy/keys tenancy/tenants backends/sql/cursors backends/sql/orchestrator_rows"
    ),
    "backends/sql/database": (
        "history model mappings identity learning_settings ledger definitions imports backends/sql/callback_rows "
        "backends/sql/catalog_rows backends/sql/cursors backends/sql/conversation_rows backends/sql/memory_rows "
        "backends/sql/orchestrator_rows backends/sql/proposal_rows"
    ),
    "backends/sql/orchestrator_rows": (
        "conversations orchestrator/__init__ backends/sql/conversation_rows backends/sql/cursors"
    ),
    "backends/sql/callback_rows": "callbacks/__init__",
    "backends/sql/proposal_rows": "proposals backends/sql/cursors",
    "backends/sql/conversation_rows": "conversations extractions model backends/sql/cursors backends/sql/memory_rows",
    "backends/sql/memory_rows": "history model listing candidates backends/sql/cursors",
    "backends/sql/hot": "",
    "backends/sql/fairness": "",
    "backends/sql/migrations": "errors",
    "backends/sql/profiles": SQL,
    "backends/sql/quotas": SQL,
    "backends/sql/identifiers": f"{SQL} backends/sql/profiles",
    "backends/sql/merging": f"{SQL} backends/sql/profiles backends/sql/identifiers",
    "backends/sql/upserts": (
        f"{SQL} backends/sql/quotas backends/sql/profiles backends/sql/identifiers backends/sql/merging"
    ),
    "backends/sql/deletion": (
        f"{SQL} backends/sql/profiles backends/sql/identifiers backends/sql/merging backends/sql/orchestrating"
    ),
    "backends/sql/naming": f"{SQL} backends/sql/profiles backends/sql/upserts",
    "backends/sql/stores": SQL,
    "backends/sql/definitions": f"{SQL} backends/sql/identifiers backends/sql/stores",
    "backends/sql/mappings": f"{SQL} backends/sql/stores",
    "backends/sql/imports": f"{SQL} backends/sql/quotas backends/sql/upserts",
    "backends/sql/memories": f"{SQL} backends/sql/quotas backends/sql/profiles",
    "backends/sql/curation": f"{SQL} backends/sql/quotas backends/sql/profiles",
    "backends/sql/past": f"{SQL} backends/sql/profiles backends/sql/signatures",
    "backends/sql/recall": f"{SQL} backends/sql/past backends/sql/profiles",
    "backends/sql/signatures": f"{SQL} embedding/__init__",
    "backends/sql/conversations": (
        f"{SQL} backends/sql/lifecycle backends/sql/quotas backends/sql/profiles backends/sql/signatures"
    ),
    "backends/sql/extractions": f"{SQL} backends/sql/conversation_rows backends/sql/profiles",
    "backends/sql/lifecycle": f"{SQL} conversations backends/sql/conversation_rows backends/sql/profiles",
    "backends/sql/participants": (
        f"{SQL} orchestrator/__init__ orchestrator/rules backends/sql/profiles backends/sql/upserts"
    ),
    "backends/sql/feeding": (
        f"{SQL} orchestrator/__init__ orchestrator/rules backends/sql/conversations backends/sql/lifecycle "
        "backends/sql/participants backends/sql/quotas"
    ),
    "backends/sql/orchestrating": (
        f"{SQL} conversations orchestrator/__init__ orchestrator/rules backends/sql/callbacks "
        "backends/sql/conversations backends/sql/feeding backends/sql/participants backends/sql/upserts"
    ),
    "backends/sql/configurations": f"{SQL} orchestrator/__init__ orchestrator/rules",
    "backends/sql/reconciling": (
        f"{SQL} reconciliation/__init__ reconciliation/proposals backends/sql/curation backends/sql/memories "
        "backends/sql/profiles "
        "backends/sql/quotas backends/sql/recall"
    ),
    "backends/sql/learning": (
        f"{SQL} history proposals extraction/__init__ extraction/candidate extraction/stated "
        "backends/sql/conversation_rows backends/sql/lifecycle"
    ),
    "backends/sql/proposing": f"{SQL} proposals backends/sql/profiles backends/sql/upserts",
    "backends/sql/rounds": "model",
    "backends/sql/tending": f"{SQL} backends/sql/rounds",
    "backends/sql/callbacks": (
        f"{SQL} backends/sql/callback_rows callbacks/__init__ callbacks/requests callbacks/retries"
    ),
    "backends/sql/callback_secrets": SQL,
    "backends/sql/delivery": (
        f"{SQL} backends/sql/callback_rows backends/sql/callback_secrets backends/sql/callbacks "
        "backends/sql/orchestrating backends/sql/rounds "
        "callbacks/addresses callbacks/requests callbacks/retries callbacks/sending callbacks/urls"
    ),
    "backends/sql/reembedding": f"{SQL} backends/sql/rounds backends/sql/signatures",
    "backends/sql/calls/__init__": "",
    "backends/sql/calls/worker": (
        f"{SQL} embedding/__init__ recent backends/sql/delivery backends/sql/fairness "
        "backends/sql/learning backends/sql/quotas backends/sql/reconciling "
        "backends/sql/reembedding backends/sql/signatures backends/sql/stores backends/sql/tending backends/sql/upserts"
    ),
    **{
        f"backends/sql/calls/{noun}": f"{SQL} backends/sql/calls/worker {' '.join(f'backends/sql/{one}' for one in of)}"
        for noun, of in {
            "stores": ["callback_secrets", "stores"],
            "profiles": ["deletion", "merging", "naming", "past", "profiles"],
            "memories": ["curation", "memories", "profiles", "signatures"],
            "recall": ["conversations", "past", "profiles", "recall", "signatures"],
            "rules": ["definitions", "imports", "mappings"],
        }.items()
    },
    "backends/sql/tenants": ("errors tenancy/keys tenancy/tenants backends/sql/catalog_rows backends/sql/database"),
    "backends/sql/calls/usage": "metering/usage model backends/sql/catalog_rows backends/sql/database",
    "backends/sql/calls/orchestrator": (
        f"{SQL} callbacks/__init__ callbacks/urls conversations orchestrator/__init__ orchestrator/rules "
        "backends/sql/callbacks backends/sql/configurations "
        "backends/sql/conversations backends/sql/feeding backends/sql/orchestrating backends/sql/upserts "
        "backends/sql/calls/worker"
    ),
    "backends/sql/calls/learning": (
        f"{SQL} conversations extractions orchestrator/__init__ backends/sql/conversation_rows "
        "backends/sql/extractions backends/sql/learning "
        "backends/sql/lifecycle backends/sql/memories backends/sql/orchestrating backends/sql/proposing "
        "backends/sql/reconciling "
        "backends/sql/recall backends/sql/signatures backends/sql/calls/orchestrator"
    ),
    "backends/sql/calls/proposals": f"{SQL} proposals backends/sql/proposing backends/sql/calls/worker",
    "backends/sql/backend": "history model "
    + " ".join(
        f"backends/sql/calls/{noun}"
        for noun in ("stores", "profiles", "memories", "learning", "proposals", "recall", "rules")
    ),
    "backends/sql/sqlite/__init__": "",
    "backends/sql/sqlite/keys": "",
    "backends/sql/sqlite/packing": "candidates backends/sql/memory_rows",
    "backends/sql/sqlite/connection": "errors backends/sql/migrations",
    "backends/sql/sqlite/file": "errors backends/sql/sqlite/connection",
    "backends/sql/sqlite/usage": "model",
    "backends/sql/sqlite/open_files": "errors",
    "backends/sql/sqlite/catalog": (
        "model ids operations backends/sql/catalog_rows backends/sql/cursors backends/sql/sqlite/keys "
        "backends/sql/sqlite/configurations backends/sql/sqlite/tenants backends/sql/sqlite/usage"
    ),
    "backends/sql/sqlite/configurations": ("ids orchestrator/__init__ orchestrator/records backends/sql/sqlite/keys"),
    "backends/sql/sqlite/orchestrator": (
        "conversations ids orchestrator/__init__ orchestrator/records backends/sql/conversation_rows "
        "backends/sql/cursors backends/sql/sqlite/keys backends/sql/sqlite/rows"
    ),
    "backends/sql/sqlite/tenants": "tenancy/keys tenancy/tenants backends/sql/sqlite/keys",
    "backends/sql/sqlite/authors": "history backends/sql/sqlite/rows",
    "backends/sql/sqlite/rows": "errors ids backends/sql/hot backends/sql/migrations",
    **{
        f"backends/sql/sqlite/{noun}": (
            f"{PURE} {RULES} candidates backends/sql/cursors backends/sql/database backends/sql/memory_rows "
            f"conversations backends/sql/conversation_rows backends/sql/sqlite/authors backends/sql/sqlite/keys "
            f"backends/sql/sqlite/packing backends/sql/sqlite/rows {signatures}"
        )
        for noun, signatures in (
            *((noun, "") for noun in ("profiles", "identity", "definitions", "mappings", "imports", "signatures")),
            *((noun, "backends/sql/sqlite/signatures") for noun in ("memories", "conversations")),
        )
    },
    "backends/sql/sqlite/discarded": (
        "history ids backends/sql/cursors backends/sql/sqlite/keys backends/sql/sqlite/rows"
    ),
    "backends/sql/sqlite/proposals": (
        "ids proposals backends/sql/cursors backends/sql/sqlite/keys backends/sql/sqlite/rows"
    ),
    "backends/sql/sqlite/callbacks": "backends/sql/callback_rows backends/sql/sqlite/keys backends/sql/sqlite/rows",
    "backends/sql/sqlite/transaction": (
        "backends/sql/sqlite/callbacks backends/sql/sqlite/discarded "
        "backends/sql/sqlite/connection backends/sql/sqlite/profiles backends/sql/sqlite/identity "
        "backends/sql/sqlite/definitions backends/sql/sqlite/memories backends/sql/sqlite/conversations "
        "backends/sql/sqlite/imports backends/sql/sqlite/mappings backends/sql/sqlite/orchestrator "
        "backends/sql/sqlite/proposals"
    ),
    "backends/sql/sqlite/database": (
        "errors model backends/sql/catalog_rows backends/sql/database backends/sql/hot backends/sql/sqlite/catalog "
        "backends/sql/sqlite/file backends/sql/sqlite/open_files backends/sql/sqlite/transaction"
    ),
    "backends/twilio/__init__": "",
    "backends/twilio/calls": "errors",
    "backends/twilio/replies": "errors text wire/__init__ wire/pages",
    "backends/twilio/client": "errors backends/twilio/calls backends/twilio/replies",
    "backends/twilio/remote": (
        "errors conversation_ids backends/twilio/calls backends/twilio/client backends/twilio/replies "
        "wire/memories wire/pages wire/stores"
    ),
    "backends/twilio/rules": f"{REMOTE} definitions identity mappings model traits wire/mappings wire/rules",
    "backends/twilio/stores": f"{REMOTE} ids edits listing model operations backends/twilio/rules wire/stores",
    "backends/twilio/profiles": (
        f"{REMOTE} ids identity listing model text traits backends/twilio/rules backends/twilio/stores wire/memories "
        "wire/profiles"
    ),
    "backends/twilio/upserts": (
        f"{REMOTE} ids identity model traits backends/twilio/rules backends/twilio/profiles "
        "wire/__init__ wire/outcomes wire/pages"
    ),
    "backends/twilio/bulk": (
        f"{REMOTE} imports model traits backends/twilio/rules backends/twilio/profiles backends/twilio/upserts"
    ),
    "backends/twilio/items": "errors ids inputs model text backends/twilio/replies wire/memories wire/recall",
    "backends/twilio/memories": (
        f"{REMOTE} ids edits history listing model text backends/twilio/items backends/twilio/stores wire/__init__ "
        "wire/memories wire/receipts"
    ),
    "backends/twilio/recall": f"{REMOTE} budget model text backends/twilio/items wire/__init__ wire/recall",
    "backends/twilio/imports": f"{REMOTE} ids imports listing model backends/twilio/stores wire/imports",
    "backends/twilio/missing": "errors",
    "backends/twilio/proposals": "history listing model proposals backends/twilio/missing",
    "backends/twilio/learnings": (
        "history learning_settings listing model backends/twilio/memories backends/twilio/missing"
    ),
    "backends/twilio/extractions": "extractions listing model backends/twilio/missing",
    "backends/twilio/orchestrations": "conversations listing model orchestrator/__init__ backends/twilio/missing",
    "backends/twilio/backend": (
        f"{RULES} conversations model backends/twilio/bulk backends/twilio/client backends/twilio/extractions "
        "backends/twilio/imports backends/twilio/learnings "
        "backends/twilio/memories backends/twilio/missing backends/twilio/orchestrations backends/twilio/profiles "
        "backends/twilio/proposals "
        "backends/twilio/recall "
        "backends/twilio/remote "
        "backends/twilio/rules backends/twilio/stores backends/twilio/upserts"
    ),
    "backends/placement": "backend errors settings/__init__ tenancy/directory tenancy/hosting tenancy/tenants",
    # Front doors: they parse, call and render
    "changes": "errors model resources",
    "resources": "errors inputs model session records revisions views",
    "prompts": "errors inputs model text session resources views",
    "tools/__init__": "session",
    "tools/schema": "",
    "tools/complaints": "",
    "tools/profiles": "errors history ids model rights session resources records views tools/__init__",
    "tools/memories": "history inputs model rights session resources records views tools/__init__",
    "tools/conversations": (
        "extractions inputs listing model rights session resources views tools/__init__ tools/memories"
    ),
    "tools/identity": "model rights session resources explanation tools/__init__",
    "tools/history": "history listing model rights session resources revisions views tools/__init__",
    "tools/toolsets": "tools/__init__ tools/conversations tools/history tools/identity tools/profiles tools/memories",
    "metering/mcp_requests": "errors metering/__init__ model resources prompts",
    "server": (
        "__init__ errors metering/__init__ metering/mcp_requests model rights service session changes resources "
        "prompts tools/__init__ tools/complaints tools/schema tools/toolsets"
    ),
    "stdio": "",
    "http/__init__": "",
    "http/leaving": "",
    "http/safety": "errors hosts",
    "http/bodies": "",
    "http/probes": "__init__ errors http/leaving",
    "http/streams": "http/leaving",
    "http/slow": "",
    "http/app": "http/bodies http/leaving http/probes http/safety http/streams",
    "http/serving": "errors http/leaving http/safety http/slow",
    "http/workers": "errors http/serving",
    "http/metrics": "__init__ http/safety",
    "http/shared_metrics": "",
    "http/api/__init__": "",
    "http/api/answers": "wire/__init__",
    "http/api/problems": "errors http/api/answers wire/__init__ wire/pages",
    "http/api/bodies": "http/api/problems",
    "http/auth/__init__": "",
    "http/auth/key_set": "",
    "http/auth/jwks": "errors http/auth/key_set tenancy/issuers",
    "http/auth/tokens": "errors http/auth/key_set tenancy/issuers tenancy/tenants",
    "http/auth/challenges": "__init__ errors rights http/api/__init__ http/api/problems",
    "http/auth/authenticator": (
        "errors model rights http/auth/tokens tenancy/__init__ tenancy/directory tenancy/issuers tenancy/keys "
        "tenancy/tenants"
    ),
    "http/door": (
        "errors metering/__init__ model recent rights http/auth/__init__ http/auth/authenticator http/auth/challenges "
        "http/auth/tokens tenancy/admission"
    ),
    "http/api/page_tokens": "errors",
    "http/api/etags": "errors",
    "http/api/route": (
        "errors import_queue metering/__init__ model operations service text http/api/answers http/api/bodies "
        "http/api/problems http/auth/__init__ http/auth/authenticator http/auth/challenges http/door wire/pages"
    ),
    "http/api/asked": (
        "errors ids listing model service http/api/answers http/api/page_tokens http/api/route wire/pages"
    ),
    "http/api/stores": f"ids http/api/etags {API} wire/pages wire/stores",
    "http/api/rules": (
        f"errors definitions listing model service http/api/etags http/api/stores {API} wire/pages wire/rules"
    ),
    "http/api/mappings": f"listing http/api/etags http/api/stores {API} wire/mappings wire/pages",
    "http/api/profiles": f"errors history {API} wire/__init__ wire/outcomes wire/pages wire/profiles",
    "http/api/identifiers": (
        f"errors history http/api/profiles {API} wire/__init__ wire/outcomes wire/pages wire/profiles"
    ),
    "http/api/observations": (
        f"history inputs listing http/api/profiles {API} wire/__init__ wire/memories wire/pages wire/receipts"
    ),
    "http/api/summaries": (
        f"history inputs listing http/api/profiles {API} wire/__init__ wire/memories wire/pages wire/receipts"
    ),
    "http/api/histories": (
        f"history model http/api/observations http/api/profiles http/api/summaries {API} wire/__init__ wire/histories "
        "wire/pages"
    ),
    "http/api/proposals": f"history proposals http/api/profiles {API} wire/proposals",
    "http/api/recall": f"errors inputs model text http/api/profiles {API} wire/memories wire/recall",
    "http/api/uploads": (
        "errors ids columns imports import_file import_queue metering/__init__ model service uploads http/api/bodies "
        f"http/api/problems {API} wire/pages"
    ),
    "http/api/imports": f"errors imports listing http/api/profiles http/api/uploads {API} wire/imports",
    "http/api/extractions": f"ids extractions {API} wire/__init__ wire/extractions wire/memories wire/pages",
    "http/api/orchestrator": ("errors ids orchestrator/__init__ http/api/answers http/api/route wire/configurations"),
    "http/api/configurations": f"errors http/api/orchestrator {API} wire/configurations",
    "http/api/conversations": (f"conversations http/api/orchestrator {API} wire/configurations wire/orchestrator"),
    "http/api/participants": f"http/api/conversations http/api/orchestrator {API} wire/orchestrator",
    "http/api/communications": f"inputs http/api/conversations http/api/orchestrator {API} wire/orchestrator",
    "http/api/document": "metering/__init__ http/api/problems http/api/route wire/__init__ wire/outcomes wire/receipts",
    "http/api/app": (
        "__init__ http/api/communications http/api/configurations http/api/conversations http/api/document "
        "http/api/extractions http/api/histories "
        "http/api/participants http/api/identifiers http/api/imports http/api/mappings http/api/observations "
        "http/api/problems http/api/profiles http/api/proposals http/api/recall http/api/route http/api/rules "
        "http/api/stores "
        "http/api/summaries http/api/uploads"
    ),
    # Tenancy: whose a request is
    "tenancy/__init__": "",
    "tenancy/tenants": "errors model",
    "tenancy/issuers": "errors tenancy/tenants setting_values",
    "tenancy/keys": "errors rights",
    "tenancy/toml_lines": "",
    "tenancy/configuration": (
        "errors rights tenancy/__init__ tenancy/hosting tenancy/issuers tenancy/keys tenancy/tenants"
    ),
    "tenancy/hosting": "errors tenancy/issuers tenancy/keys tenancy/tenants",
    "tenancy/admission": "errors tenancy/tenants",
    "tenancy/directory": "errors model tenancy/hosting tenancy/keys tenancy/tenants",
    # The commands
    "commands/__init__": "errors",
    "commands/profiles": "model service records views explanation commands/__init__",
    "commands/stores": (
        "errors model edits identity definitions service records wire/__init__ wire/rules commands/__init__"
    ),
    "commands/tenants": (
        "errors listing model service tenancy/__init__ tenancy/directory tenancy/keys tenancy/tenants views "
        "commands/__init__"
    ),
    "commands/keys": (
        "errors rights service tenancy/__init__ tenancy/directory tenancy/keys views commands/__init__ commands/tenants"
    ),
    "commands/usage": "errors metering/usage commands/__init__",
    "commands/extractions": "extractions listing model service views commands/__init__",
    "commands/imports": "model service imports import_file commands/__init__",
    # Wiring
    "hosts": "",
    "setting_values": "errors model",
    "settings/transport": "callbacks/addresses errors hosts setting_values",
    "settings/remote": "errors setting_values",
    "settings/__init__": (
        "errors identity logs model settings/remote setting_values settings/transport tenancy/__init__ "
        "tenancy/configuration tenancy/hosting tenancy/keys tenancy/tenants tenancy/toml_lines"
    ),
    "logs": "",
    "reloading": "errors settings/__init__",
    "app": (
        "callbacks/addresses errors ids listing metering/memory metering/__init__ scoping metering/usage "
        "metering/counter model service backends/sql/delivery backends/sql/orchestrating wire/orchestrator "
        "settings/__init__ changes server stdio backend backends/placement backends/routing backends/sql/backend "
        "backends/sql/calls/usage backends/sql/tenants backends/sql/sqlite/database backends/twilio/backend "
        "backends/sql/learning backends/sql/reconciling embedding/choice extractors/choice tenancy/directory "
        "tenancy/hosting tenancy/tenants tools/toolsets"
    ),
    "serve": (
        "errors app changes logs reloading settings/__init__ http/__init__ http/leaving http/metrics http/safety "
        "http/serving http/workers tenancy/hosting served"
    ),
    "served": (
        "app changes import_queue metering/__init__ model reloading server settings/__init__ uploads http/app "
        "http/api/app http/api/route http/auth/authenticator http/auth/jwks http/auth/tokens http/door http/leaving "
        "http/metrics http/safety tenancy/admission tools/toolsets"
    ),
    "doctor": (
        "errors settings/__init__ embedding/choice extractors/choice backends/sql/sqlite/packing tenancy/hosting "
        "tenancy/tenants"
    ),
    "demo": "",
    "command_line": "__init__ settings/__init__",
    "cli": (
        "__init__ command_line errors hosts logs settings/__init__ app serve doctor demo commands/__init__ "
        "commands/usage http/__init__ http/shared_metrics"
    ),
}

# May catch anything: the doors, which log it and say "internal"; group commit, which hands it to whoever waits;
# whoever must undo before passing it on; the threads in the background, which nobody would miss; and what meters and
# counts, which must not fail what it measures.
CATCHES_ALL = {
    "server",
    "metering/mcp_requests",
    "metering/counter",
    "import_queue",
    "http/api/route",
    "backends/sql/reembedding",
    "backends/sql/tending",
    "backends/sql/delivery",
    "backends/sql/calls/learning",
    "backends/sql/calls/orchestrator",
    "backends/sql/sqlite/file",
    "backends/sql/sqlite/connection",
}
READS_ENVIRONMENT = {"cli"}
WRITES_ENVIRONMENT = {"embedding/runtime"}  # a message to a library that would otherwise phone home
PRINTS = {"cli", "embedding/build_model"}


def name_of(path: Path) -> str:
    return path.relative_to(HOUSE).with_suffix("").as_posix()


FILES = {name_of(path): path for path in sorted(HOUSE.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in FILES.items()}


def imports(name: str) -> Iterator[str]:
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively"
            module = (node.module or "").replace(".", "/").removeprefix("mcp_memory").lstrip("/")
            if (node.module or "").split(".")[0] == "mcp_memory":
                inside = {f"{module}/{alias.name}".lstrip("/"): alias.name for alias in node.names}
                for path in inside:
                    ways = (path, f"{path}/__init__", module, f"{module}/__init__".lstrip("/"))
                    yield next(way for way in ways if way in FILES)
        elif isinstance(node, ast.Import):
            assert not any(alias.name.startswith("mcp_memory") for alias in node.names), f"{name}: use from … import"


def test_every_file_has_its_place() -> None:
    assert set(FILES) == set(MAY_IMPORT)


@pytest.mark.parametrize("name", sorted(MAY_IMPORT))
def test_a_file_imports_only_what_it_may(name: str) -> None:
    assert set(imports(name)) <= set(MAY_IMPORT[name].split())


def test_the_table_of_imports_has_no_cycle() -> None:
    left = {name: set(allowed.split()) for name, allowed in MAY_IMPORT.items()}
    while free := [name for name, needs in left.items() if not needs & set(left)]:
        for name in free:
            del left[name]

    assert left == {}


@pytest.mark.parametrize("name", sorted(FILES))
def test_files_and_functions_are_short(name: str) -> None:
    long = [
        f"{node.name} ({node.end_lineno - node.lineno + 1})"
        for node in ast.walk(TREES[name])
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > MAX_FUNCTION
    ]

    assert long == []
    assert len(FILES[name].read_text(encoding="utf-8").splitlines()) <= MAX_FILE


def test_only_the_cli_touches_the_world() -> None:
    def users(*words: str) -> set[str]:
        return {name for name, tree in TREES.items() if any(word in ast.unparse(tree) for word in words)}

    assert users("os.environ", "os.getenv") == READS_ENVIRONMENT | WRITES_ENVIRONMENT
    assert {name for name, tree in TREES.items() if "print" in names_called(tree)} == PRINTS


def names_called(tree: ast.AST) -> set[str]:
    return {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}


def test_everything_is_caught_only_at_the_doors() -> None:
    broad = {
        name
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"})
    }

    assert broad == CATCHES_ALL


def test_nobody_above_the_dialect_knows_sqlite() -> None:
    sqlite = {name for name, tree in TREES.items() if "apsw" in {*modules(tree)}}

    assert sqlite <= {name for name in FILES if name.startswith("backends/sql/sqlite/")} | {"doctor"}


def test_only_where_uvicorn_is_met_is_it_asyncio() -> None:
    """So that under any other loop of anyio the rest does the same: the contract need not run twice from end to end."""
    tied = {name for name, tree in TREES.items() if any(one.split(".")[0] == "asyncio" for one in modules(tree))}

    assert tied == {"http/serving", "http/slow", "logs"}  # the last knows a cancellation when it is told of one


def modules(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_files_are_opened_with_an_encoding() -> None:
    careless = [
        f"{name}: {ast.unparse(node)}"
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"read_text", "write_text"}
        and not any(keyword.arg == "encoding" for keyword in node.keywords)
    ]

    assert careless == []
