-- How the store learns.

create table learning_settings (  -- no row: as every store starts
    only integer primary key check (only = 1),
    version integer not null,
    reconcile_api_writes integer not null,
    traits text not null
) strict;
