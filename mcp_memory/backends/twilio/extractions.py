"""What is learned of conversations is the conversation service's, and so is how far it is with it."""

from mcp_memory.backends.twilio.missing import missing
from mcp_memory.extractions import Extraction, ExtractionFilter
from mcp_memory.listing import Page, PageQuery
from mcp_memory.model import UNLIMITED, Quota, Scope


class NoExtractions:
    async def list_extractions(self, scope: Scope, wanted: ExtractionFilter, page: PageQuery) -> Page[Extraction]:
        raise missing("list_extractions")

    async def get_extraction(self, scope: Scope, extraction_id: str) -> Extraction:
        raise missing("get_extraction")

    async def look_after_stores(self, tenant: str, quota: Quota = UNLIMITED) -> None:
        raise missing("look_after_stores")

    async def retry_extraction(self, scope: Scope, extraction_id: str) -> Extraction:
        raise missing("retry_extraction")
