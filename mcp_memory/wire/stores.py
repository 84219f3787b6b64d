"""Stores and operations."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from mcp_memory.edits import NewStore, StoreChanges
from mcp_memory.model import MAX_STORE_DESCRIPTION, MAX_STORE_NAME, Store
from mcp_memory.operations import Operation
from mcp_memory.wire import Answer, Open, Time, as_answered
from mcp_memory.wire.pages import Meta

Name = Annotated[str, Field(pattern=r"^[a-zA-Z0-9-]+$", max_length=MAX_STORE_NAME)]
Description = Annotated[str, Field(min_length=1, max_length=MAX_STORE_DESCRIPTION)]


class NewStoreBody(Open):
    display_name: Name
    description: Description | None = None

    def new(self) -> NewStore:
        return NewStore(display_name=self.display_name, description=self.description)


class StoreChangesBody(Open):
    display_name: Name | None = None
    description: Description | None = None

    def changes(self) -> StoreChanges:
        return StoreChanges(display_name=self.display_name, description=self.description)


def _as_answered(schema: dict[str, Any]) -> None:
    as_answered(schema)
    schema["properties"]["intelligenceServiceId"]["type"] = ["string", "null"]
    schema["required"].append("intelligenceServiceId")


class StoreBody(Answer):
    model_config = ConfigDict(json_schema_extra=_as_answered)

    id: str
    display_name: str
    description: str | None = None
    status: Literal["QUEUED", "PROVISIONING", "ACTIVE", "FAILED"] = "ACTIVE"
    intelligence_service_id: str | None = None
    version: int

    @classmethod
    def of(cls, store: Store) -> "StoreBody":
        return cls(
            id=store.store_id, display_name=store.display_name, description=store.description, version=store.version
        )

    def body(self) -> dict[str, object]:
        """`intelligenceServiceId` is required, null or not."""
        return super().body() | {"intelligenceServiceId": self.intelligence_service_id}


class StoresBody(Answer):
    stores: list[str] = []
    meta: Meta = Meta()


class ResultBody(Answer):
    type: str = "RESOURCE_ID"
    id: str


class OperationErrorBody(Answer):
    type: str | None = None
    title: str = ""
    status: int | None = None
    code: int | None = None
    detail: str = ""


class OperationBody(Answer):
    operation_id: str
    status: Literal["PENDING", "RUNNING", "CANCELLED", "COMPLETED", "FAILED"]
    created_at: Time
    completed_at: Time | None = None
    status_url: str | None = None
    result: ResultBody | None = None
    error: OperationErrorBody | None = None

    @classmethod
    def of(cls, operation: Operation, status_url: str) -> "OperationBody":
        return cls(
            operation_id=operation.operation_id,
            status="COMPLETED",
            created_at=operation.completed_at,
            completed_at=operation.completed_at,
            status_url=status_url,
            result=ResultBody(id=operation.resource_id),
        )
