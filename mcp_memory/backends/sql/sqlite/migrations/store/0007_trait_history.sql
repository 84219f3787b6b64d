-- What traits were. A trait holds who gave the value it has; what it was before is a revision. Null: it is not known.

alter table trait add column since integer;  -- when this value was given first; null: updated_at
alter table trait add column actor text;
alter table trait add column cause text check (cause in ('created', 'corrected', 'reconciled', 'undone'));
alter table trait add column rule text;
alter table trait add column reason text;
alter table trait add column changed_in text;  -- the conversation it was learned in

create table trait_revision (
    no integer primary key,  -- of one trait in the order they were given
    profile_no integer not null references profile (no),
    trait_group text not null,
    name text not null,
    value text,  -- JSON; null: it was removed
    since integer not null,
    actor text,
    cause text,
    rule text,
    reason text,
    changed_in text
) strict;
create index trait_revision_trait on trait_revision (profile_no, trait_group, name);
