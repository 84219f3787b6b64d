-- Tenants and their keys, of hosts that manage them here. Of a secret there is only a hash.

create table tenant (
    name text primary key,
    backend text not null,
    stores text not null,  -- JSON, a list of names
    limits text not null,  -- JSON, by name
    shared integer not null check (shared in (0, 1)),
    suspended integer not null check (suspended in (0, 1)),
    created_at integer not null
) strict, without rowid;

create table key (
    key_id text primary key,
    tenant text not null references tenant (name) on delete cascade,
    label text not null,
    store text,  -- the only one it reaches
    scopes text not null,  -- separated by blanks
    digest blob not null check (length(digest) = 32),
    previous_digest blob check (length(previous_digest) = 32),  -- holds until previous_until
    previous_until integer,
    created_at integer not null,
    expires_at integer,
    revoked_at integer
) strict, without rowid;
create index key_tenant on key (tenant, created_at, key_id);
