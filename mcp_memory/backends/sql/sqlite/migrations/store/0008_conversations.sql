-- The life of a conversation, and what is to be learned from it. Those that were there are quiet, and known.

alter table conversation add column status text not null default 'INACTIVE'
    check (status in ('ACTIVE', 'INACTIVE', 'CLOSED'));
alter table conversation add column last_at integer not null default 0;  -- when its last message was recorded
alter table conversation add column due_at integer;  -- when its status changes, if nothing is said; null: it stays
alter table conversation add column closed_at integer;
alter table conversation add column channels text not null default '[]';  -- JSON
alter table conversation add column begins_id integer not null default 0;  -- messages up to this are of closed ones
alter table conversation add column learned_id integer not null default 0;  -- what is up to this is learned, or queued
update conversation set last_at = created_at,
    learned_id = coalesce((select max(c.id) from communication c where c.conversation_no = conversation.no), 0);
create index conversation_due on conversation (due_at) where due_at is not null;

create table extraction (  -- written with the change of status that it is for, gone on with after any crash
    no integer primary key,
    conversation_no integer not null references conversation (no),
    cause text not null check (cause in ('INACTIVE', 'CLOSED')),
    first_id integer not null,  -- of messages behind this one,
    last_id integer not null,  -- up to this one, there are observations;
    summary_id integer,  -- and of those behind this one a summary; null: of none
    status text not null check (status in ('QUEUED', 'EXTRACTED', 'DONE', 'FAILED')),
    attempts integer not null default 0,  -- that failed
    due_at integer,  -- null: it has ended
    extract text,  -- JSON, until all of it is stored
    stored integer not null default 0,  -- how much of it is
    added integer not null default 0,
    updated integer not null default 0,
    discarded integer not null default 0,
    screened integer not null default 0,
    extracted_by text,
    error text,
    created_at integer not null,
    updated_at integer not null
) strict;
create index extraction_due on extraction (due_at) where due_at is not null;
create index extraction_conversation on extraction (conversation_no, no);
