-- Which stores there are. What they hold is in a file per store.
create table store (
    store_id text primary key,
    tenant text not null,
    display_name text not null,
    undeclared_traits text not null check (undeclared_traits in ('declare', 'refuse')),
    created_at integer not null,  -- microseconds since 1970, UTC, as all times
    file_made integer not null default 0,  -- 1 once its file is there: from then on its absence is a loss
    unique (tenant, display_name)
) strict, without rowid;
