-- Stores that are described, changed and deleted; what clients ask about later, of all stores.

alter table store add column description text;
alter table store add column version integer not null default 1;
alter table store add column deleting integer not null default 0;  -- 1: it is gone, and its files have still to go
create index store_created_at on store (tenant, created_at, store_id);

create table operation (
    operation_id blob primary key,
    tenant text not null,
    resource_id text not null,
    completed_at integer not null
) strict, without rowid;
create index operation_completed_at on operation (completed_at);

create table request (  -- by idempotency key
    tenant text not null,
    key text not null,
    digest blob not null,  -- of what was asked
    begun_at integer not null,
    status integer,  -- of the reply; null: it is still under way
    headers text,  -- JSON
    body blob,
    primary key (tenant, key)
) strict, without rowid;
create index request_begun_at on request (begun_at);
