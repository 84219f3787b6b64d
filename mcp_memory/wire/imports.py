"""Imports of profiles from a file."""

from typing import Annotated

from pydantic import Field

from mcp_memory.imports import ColumnMapping, Import, Remark, Status
from mcp_memory.wire import Answer, Open, Text, Time, Wire
from mcp_memory.wire.pages import Meta

MAX_FILE = 104_857_600  # bytes, as published; so are the next three
MIN_COLUMNS = 2
MAX_COLUMNS = 100
MAX_FILENAME = 255

Name = Annotated[Text, Field(min_length=1, max_length=64)]


class ColumnMappingBody(Wire):
    column_name: Name
    trait_group: Name
    trait_name: Name

    def mapping(self) -> ColumnMapping:
        return ColumnMapping(column_name=self.column_name, trait_group=self.trait_group, trait_name=self.trait_name)


class NewImportBody(Open):
    filename: Annotated[Text, Field(min_length=1, max_length=MAX_FILENAME)]
    file_size: Annotated[int, Field(ge=1, le=MAX_FILE)]
    column_mappings: Annotated[list[ColumnMappingBody], Field(min_length=MIN_COLUMNS, max_length=MAX_COLUMNS)]


class ImportCreatedBody(Answer):
    """`url`: where the file is put, once."""

    import_id: str
    url: str


class ColumnMappingAnswer(Answer):
    column_name: str
    trait_group: str
    trait_name: str


class ImportSummaryBody(Answer):
    errors: int = 0
    warnings: int = 0


class ImportBody(Answer):
    status: Status
    filename: str
    created_at: Time
    updated_at: Time | None = None
    file_size: int | None = None
    column_mappings: list[ColumnMappingAnswer] = []
    summary: ImportSummaryBody | None = None

    @classmethod
    def of(cls, one: Import) -> "ImportBody":
        return cls(
            status=one.status,
            filename=one.filename,
            created_at=one.created_at,
            updated_at=one.updated_at,
            file_size=one.file_size,
            column_mappings=[ColumnMappingAnswer(**vars(mapping)) for mapping in one.column_mappings],
            summary=ImportSummaryBody(errors=one.errors, warnings=one.kept_apart),
        )


class ImportsBody(Answer):
    imports: list[str] = []
    meta: Meta = Meta()


class RemarkBody(Answer):
    """Ours. `row`: counted from 1, without the header; 0 for the file as a whole."""

    row: int
    refused: bool
    reason: str

    @classmethod
    def of(cls, one: Remark) -> "RemarkBody":
        return cls(row=one.row, refused=one.refused, reason=one.reason)


class RemarksBody(Answer):
    remarks: list[RemarkBody] = []
    meta: Meta = Meta()
