-- Who is who. A merged profile keeps its rows; `merged_into` names the one it is part of, never one that is merged
-- itself, so that a profile is read as one set of at most two levels, and taken apart by changing one column.

create index profile_merged_into on profile (merged_into) where merged_into is not null;

create table profile_merge (
    no integer primary key,
    one_no integer not null references profile (no),  -- the two that were linked: an edge of the tree of merges
    other_no integer not null references profile (no),
    into_no integer not null references profile (no),  -- the two that were profiles of their own until then
    merged_no integer not null references profile (no),
    made_at integer not null,
    made_by text not null check (made_by in ('resolution', 'curator')),
    id_type text,  -- the rule and the value that linked them; null: a curator did
    value_norm text,
    into_had text not null,  -- JSON
    merged_had text not null,
    undone_at integer
) strict;
create index profile_merge_one on profile_merge (one_no);
create index profile_merge_other on profile_merge (other_no);

create table separation (  -- taken apart: this identifier does not link them any more
    one_no integer not null references profile (no),
    other_no integer not null references profile (no),
    id_type text not null,
    value_norm text not null,
    made_at integer not null,
    primary key (one_no, other_no, id_type, value_norm)
) strict, without rowid;
create index separation_other on separation (other_no);

create table identity_conflict (  -- given for one profile, held by another, and kept apart
    profile_no integer not null references profile (no),
    holder_no integer not null references profile (no),
    id_type text not null,
    value_norm text not null,
    reason text not null check (reason in ('limit', 'unmerged', 'no_rule', 'size')),
    differ text,  -- the type of which they have different values
    first_at integer not null,
    last_at integer not null,
    times integer not null default 1,
    primary key (profile_no, holder_no, id_type, value_norm, reason)
) strict, without rowid;
create index identity_conflict_holder on identity_conflict (holder_no);

create table identity_settings (  -- no row: those every store starts with
    only integer primary key check (only = 1),
    version integer not null,
    settings text not null  -- JSON
) strict;

create table identifier_2 (
    id_type text not null,
    value_norm text not null,
    slot integer not null,  -- 0 where nobody else can have the value too, else the profile's number
    profile_no integer not null references profile (no),  -- that brought it
    created_at integer not null,
    trait_group text,  -- the trait it was promoted from; null: none
    trait_name text,
    retired integer not null default 0,  -- 1: with what is merged too much for the limit; identifies nobody meanwhile
    primary key (id_type, value_norm, slot)
) strict, without rowid;
insert into identifier_2 (id_type, value_norm, slot, profile_no, created_at, trait_group, trait_name)
select i.id_type, i.value_norm, 0, i.profile_no, i.created_at, d.trait_group, d.name
from identifier i
left join trait_definition d on d.id_type_promotion = i.id_type;
drop table identifier;
alter table identifier_2 rename to identifier;
create index identifier_profile on identifier (profile_no, created_at);
create index identifier_retired on identifier (id_type, value_norm) where retired = 1;

alter table trait_definition add column validation_rule text;  -- JSON
create table trait_group (
    name text primary key,
    description text,
    version integer not null default 1
) strict, without rowid;
insert into trait_group (name) select distinct trait_group from trait_definition;

create table profile_import (
    no integer primary key,
    import_id blob not null unique,
    filename text not null,
    file_size integer not null,
    digest blob not null,  -- of the file and of how it is read
    column_mappings text not null,  -- JSON
    status text not null check (status in ('PROCESSING', 'COMPLETED', 'FAILED')),
    rows_total integer not null,
    rows_done integer not null default 0,
    created integer not null default 0,
    updated integer not null default 0,
    refused integer not null default 0,
    merges integer not null default 0,
    kept_apart integer not null default 0,
    created_at integer not null,
    updated_at integer not null
) strict;
create index profile_import_digest on profile_import (digest);

create table import_remark (
    import_no integer not null references profile_import (no),
    row integer not null,  -- of the file, the first after the header is 1
    refused integer not null,  -- 1 where the row was not taken
    reason text not null,  -- why, or what of it was not taken
    primary key (import_no, row)
) strict, without rowid;
