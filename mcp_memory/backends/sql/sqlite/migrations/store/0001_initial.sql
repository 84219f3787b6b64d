-- One store. A profile's memories are clustered: the key of an item is
--     profile.no << 23 | kind << 20 | seq        (kind 0 observation, 1 summary)
-- so that recall reads one contiguous range. Ids are the 16 bytes of the public id. Times are microseconds UTC.

create table store (  -- whose file this is: checked on every opening
    store_id text not null,
    tenant text not null
) strict;

create table profile (
    no integer primary key,
    profile_id blob not null unique,
    merged_into integer references profile (no),
    next_seq integer not null default 0,
    version integer not null default 1,
    observation_count integer not null default 0,
    summary_count integer not null default 0,
    last_occurred_at integer,
    created_at integer not null,
    updated_at integer not null
) strict;
create index profile_updated_at on profile (updated_at);

create table identifier (
    id_type text not null,
    value_norm text not null,
    profile_no integer not null references profile (no),
    created_at integer not null,
    primary key (id_type, value_norm)
) strict, without rowid;
create index identifier_profile on identifier (profile_no, created_at);
create index identifier_value on identifier (value_norm);

create table trait_definition (
    trait_group text not null,
    name text not null,
    data_type text not null check (data_type in ('STRING', 'NUMBER', 'BOOLEAN', 'ARRAY')),
    id_type_promotion text,
    description text,
    primary key (trait_group, name)
) strict, without rowid;

create table trait (
    profile_no integer not null references profile (no),
    trait_group text not null,
    name text not null,
    value text not null,  -- JSON
    updated_at integer not null,
    primary key (profile_no, trait_group, name)
) strict, without rowid;

create table observation (
    id integer primary key,
    observation_id blob not null unique,
    digest blob not null,  -- of the content, for telling duplicates
    occurred_at integer not null,
    created_at integer not null,
    updated_at integer not null,
    source text not null,
    conversation_ids text not null,  -- JSON
    content text not null
) strict;
create index observation_digest on observation (id >> 23, digest);
create index observation_occurred_at on observation (id >> 23, occurred_at);

create table summary (
    id integer primary key,
    summary_id blob not null unique,
    digest blob not null,
    occurred_at integer not null,
    created_at integer not null,
    updated_at integer not null,
    source text not null,
    conversation_id text not null,
    content text not null
) strict;
create index summary_digest on summary (id >> 23, digest);
create index summary_occurred_at on summary (id >> 23, occurred_at);

create table model (  -- embedding models by number, so that a row need not repeat a name
    no integer primary key,
    model_id text not null unique
) strict;

create table recall_sig (
    id integer primary key,  -- the item's
    occurred_at integer not null,
    model_no integer not null references model (no),
    terms_version integer not null,
    emb blob not null,  -- per chunk: little-endian f32 scale, then int8 per dimension
    terms blob not null  -- per chunk: little-endian u32 per term, then 0
) strict;
