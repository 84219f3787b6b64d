-- What a tenant's callbacks are signed with; not a hash, for who signs needs it.

create table callback_secret (
    tenant text primary key,
    secret text not null,
    created_at integer not null
) strict, without rowid;
