-- Who made a revision, and why. Null: it is not known, as of all that was there before.
-- A null cause: the earliest was created, the others corrected.

alter table observation add column actor text;
alter table observation add column cause text check (cause in ('created', 'corrected', 'reconciled', 'undone'));
alter table observation add column rule text;
alter table observation add column reason text;
alter table observation add column changed_in text;  -- the conversation it was learned in
alter table observation_revision add column actor text;
alter table observation_revision add column cause text;
alter table observation_revision add column rule text;
alter table observation_revision add column reason text;
alter table observation_revision add column changed_in text;

alter table summary add column actor text;
alter table summary add column cause text check (cause in ('created', 'corrected', 'reconciled', 'undone'));
alter table summary add column rule text;
alter table summary add column reason text;
alter table summary add column changed_in text;
create table summary_revision (  -- what a summary was until it was changed
    summary integer not null,  -- its id
    updated_at integer not null,
    occurred_at integer not null,
    source text not null,
    conversation_id text not null,
    content text not null,
    actor text,
    cause text,
    rule text,
    reason text,
    changed_in text,
    primary key (summary, updated_at)
) strict, without rowid;
