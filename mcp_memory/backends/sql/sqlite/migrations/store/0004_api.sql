-- Lists by creation, revisions, deletion, data mappings, imports whose file comes later.

create index profile_created_at on profile (created_at) where merged_into is null;
create index observation_created_at on observation (id >> 23, created_at);
create index summary_created_at on summary (id >> 23, created_at);

create table profile_number (  -- no row: none was deleted
    only integer primary key check (only = 1),
    last integer not null  -- the greatest that was ever deleted: numbers are never given again
) strict;

create table observation_revision (  -- what an observation was until it was changed
    observation integer not null,  -- its id
    updated_at integer not null,
    occurred_at integer not null,
    source text not null,
    conversation_ids text not null,  -- JSON
    content text not null,
    primary key (observation, updated_at)
) strict, without rowid;

create table data_mapping (
    no integer primary key,
    data_mapping_id blob not null unique,
    display_name text not null,
    description text,
    is_enabled integer not null,
    columns text not null,  -- JSON
    mappings text not null,  -- JSON
    version integer not null,
    created_at integer not null,
    updated_at integer not null
) strict;

create table profile_import_2 (
    no integer primary key,
    import_id blob not null unique,
    filename text not null,
    file_size integer not null,
    digest blob,  -- of the file and of how it is read; null: it has not come yet
    secret_digest blob,  -- of what whoever brings the file must know; null: it began with its file
    column_mappings text not null,  -- JSON
    status text not null check (status in ('PENDING', 'PROCESSING', 'COMPLETED', 'FAILED')),
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
insert into profile_import_2 (no, import_id, filename, file_size, digest, column_mappings, status, rows_total,
                              rows_done, created, updated, refused, merges, kept_apart, created_at, updated_at)
select no, import_id, filename, file_size, digest, column_mappings, status, rows_total,
       rows_done, created, updated, refused, merges, kept_apart, created_at, updated_at
from profile_import;
create table import_remark_2 (
    import_no integer not null references profile_import_2 (no),
    row integer not null,  -- of the file, the first after the header is 1; 0: the whole file
    refused integer not null,  -- 1 where the row was not taken
    reason text not null,  -- why, or what of it was not taken
    primary key (import_no, row)
) strict, without rowid;
insert into import_remark_2 (import_no, row, refused, reason) select import_no, row, refused, reason from import_remark;
drop table import_remark;
drop table profile_import;
alter table profile_import_2 rename to profile_import;
alter table import_remark_2 rename to import_remark;
create index profile_import_digest on profile_import (digest);
create index profile_import_created_at on profile_import (created_at);

create index profile_merge_into on profile_merge (into_no);  -- looked up when a profile is deleted
create index profile_merge_merged on profile_merge (merged_no);
