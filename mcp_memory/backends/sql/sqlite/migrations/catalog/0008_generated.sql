-- Of the characters that were generated in a store, ever, how many are in the usage: what is told again counts once.

create table usage_generated (
    tenant text not null,
    store_id text not null,
    characters integer not null,
    primary key (tenant, store_id)
) strict, without rowid;
