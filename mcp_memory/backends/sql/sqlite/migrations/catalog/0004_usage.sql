-- What each tenant used on each day, UTC, for the bill.

create table usage (
    tenant text not null,
    day text not null,  -- 2026-11-21
    unit text not null,
    amount integer not null,
    primary key (day, tenant, unit)
) strict, without rowid;

create table usage_profile (  -- read on that day, and counted; kept for as long as that day may still be counted
    day text not null,
    tenant text not null,
    profile blob not null,  -- digest of its id
    primary key (day, tenant, profile)
) strict, without rowid;
