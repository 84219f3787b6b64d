-- What is done with conversations of several people, and in which store each of them is.

create table configuration (
    configuration_id blob primary key,
    tenant text not null,
    store_id text not null,
    settings text not null,  -- JSON
    version integer not null,
    created_at integer not null,
    updated_at integer not null
) strict, without rowid;
create index configuration_tenant on configuration (tenant, configuration_id);

create table conversation_place (  -- written before the conversation is: of one that was never begun, it leads nowhere
    conversation_id blob primary key,
    tenant text not null,
    store_id text not null
) strict, without rowid;
create index conversation_place_store on conversation_place (tenant, store_id);
