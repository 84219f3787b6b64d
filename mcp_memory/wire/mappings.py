"""Data mappings. What only the managed service has, its data sets, is refused by name."""

from typing import Annotated, Literal

from pydantic import Field

from mcp_memory.errors import Unsupported
from mcp_memory.mappings import (
    MAX_COLUMN,
    MAX_COLUMNS,
    MAX_DESCRIPTION,
    MAX_EXPRESSION,
    MAX_MAPPINGS,
    MAX_NAME,
    MAX_TRAIT_NAME,
    DataMapping,
    DataMappingChanges,
    NewDataMapping,
    TraitMapping,
)
from mcp_memory.wire import OMITTED, Answer, Open, Text, Time, Wire
from mcp_memory.wire.pages import Meta

Name = Annotated[str, Field(pattern=r"^[a-zA-Z][a-zA-Z0-9-.]*$", max_length=MAX_NAME)]
Description = Annotated[Text, Field(min_length=1, max_length=MAX_DESCRIPTION)]


class IngressBody(Wire):
    type: Literal["INGRESS"]
    columns: Annotated[
        list[Annotated[Text, Field(min_length=1, max_length=MAX_COLUMN)]], Field(min_length=1, max_length=MAX_COLUMNS)
    ]


class DatasetBody(Wire):
    type: Literal["DATASET_CLOUDAPP", "DATASET_WAREHOUSE"]
    dataset_id: Annotated[str, Field(pattern=r"^tdi_dataset_[0-7][0-9a-z]{25}$")]


class TraitMappingBody(Wire):
    expression: Annotated[Text, Field(min_length=1, max_length=MAX_EXPRESSION)]
    trait_group: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-zA-Z0-9_\-\.]+$")]
    trait_name: Annotated[str, Field(min_length=1, max_length=MAX_TRAIT_NAME, pattern=r"^[a-z][a-zA-Z0-9_\-\.]*$")]

    def mapping(self) -> TraitMapping:
        return TraitMapping(expression=self.expression, trait_group=self.trait_group, trait_name=self.trait_name)


class MappingToBody(Wire):
    type: Literal["TRAITS"]
    mappings: Annotated[list[TraitMappingBody], Field(min_length=1, max_length=MAX_MAPPINGS)]

    def trait_mappings(self) -> tuple[TraitMapping, ...]:
        return tuple(one.mapping() for one in self.mappings)


class NewDataMappingBody(Open):
    display_name: Name
    description: Description = OMITTED
    is_enabled: bool = True
    mapping_from: Annotated[IngressBody | DatasetBody, Field(discriminator="type")]
    mapping_to: MappingToBody

    def new(self) -> NewDataMapping:
        if not isinstance(self.mapping_from, IngressBody):
            raise Unsupported(
                f"mappingFrom.type {self.mapping_from.type} needs a data set of the managed service, which this memory "
                "has no access to. Use INGRESS, and name the columns."
            )
        return NewDataMapping(
            display_name=self.display_name,
            description=self.description,
            is_enabled=self.is_enabled,
            columns=tuple(self.mapping_from.columns),
            mappings=self.mapping_to.trait_mappings(),
        )


class DataMappingChangesBody(Open):
    display_name: Name = OMITTED
    description: Description = OMITTED
    is_enabled: bool = OMITTED
    mapping_to: MappingToBody = OMITTED

    def changes(self) -> DataMappingChanges:
        return DataMappingChanges(
            display_name=self.display_name,
            description=self.description,
            is_enabled=self.is_enabled,
            mappings=None if self.mapping_to is None else self.mapping_to.trait_mappings(),
        )


class IngressAnswer(Answer):
    type: str = "INGRESS"
    columns: list[str] = []


class TraitMappingAnswer(Answer):
    expression: str
    trait_group: str
    trait_name: str


class MappingToAnswer(Answer):
    type: str = "TRAITS"
    mappings: list[TraitMappingAnswer]


class DataMappingBody(Answer):
    id: str
    display_name: str
    description: str | None = None
    is_enabled: bool = True
    mapping_from: IngressAnswer
    mapping_to: MappingToAnswer
    created_at: Time
    updated_at: Time
    version: int

    @classmethod
    def of(cls, one: DataMapping) -> "DataMappingBody":
        return cls(
            id=one.data_mapping_id,
            display_name=one.display_name,
            description=one.description,
            is_enabled=one.is_enabled,
            mapping_from=IngressAnswer(columns=list(one.columns)),
            mapping_to=MappingToAnswer(mappings=[TraitMappingAnswer(**vars(each)) for each in one.mappings]),
            created_at=one.created_at,
            updated_at=one.updated_at,
            version=one.version,
        )


class DataMappingsBody(Answer):
    data_mappings: list[DataMappingBody] = []
    meta: Meta = Meta()
