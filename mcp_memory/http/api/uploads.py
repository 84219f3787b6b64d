"""Where the file of an import is brought."""

import base64
import json

from fastapi import APIRouter

from mcp_memory.imports import NewUpload
from mcp_memory.model import Caller, Scope
from mcp_memory.service import Memory

PATH = "/uploads"
router = APIRouter()


def ticket(scope: Scope, import_id: str, secret: str) -> str:
    """Says which import, and that whoever brings the file was told to. It holds for nothing else."""
    inside = json.dumps([scope.tenant, scope.store_id, import_id, secret], separators=(",", ":"))
    return base64.urlsafe_b64encode(inside.encode()).decode().rstrip("=")


async def check_mappings(memory: Memory, caller: Caller, new: NewUpload) -> None:
    """Raises Invalid for a mapping that no file could be read by."""
