-- Conversations of several people, as the Conversations API has them. What the memory of a customer has of one is a
-- `conversation` of his profile, under the same id, which it leads.

create table orchestrated (
    no integer primary key,
    conversation_id blob not null unique,
    configuration_id blob not null,
    settings text not null,  -- JSON: those of the configuration, as they were when it began
    name text,
    status text not null check (status in ('ACTIVE', 'INACTIVE', 'CLOSED')),
    group_key text,  -- who takes part, by their addresses; null: they are not grouped by these
    last_at integer not null,  -- when its last communication was posted
    due_at integer,  -- when its status changes, if nothing is said; null: it stays
    closed_at integer,
    unfed_at integer,  -- from when the memory of a customer is to be fed with it; null: they have all of it
    created_at integer not null,
    updated_at integer not null
) strict;
create index orchestrated_due on orchestrated (due_at) where due_at is not null;
create index orchestrated_unfed on orchestrated (unfed_at) where unfed_at is not null;
create index orchestrated_open on orchestrated (configuration_id, group_key) where status <> 'CLOSED';

create table participant (
    no integer primary key,
    participant_id blob not null unique,
    orchestrated_no integer not null references orchestrated (no),
    type text not null,
    name text,
    profile_no integer references profile (no),  -- of a customer
    addresses text not null,  -- JSON
    fed_no integer not null default 0,  -- communications up to this are in his memory
    created_at integer not null,
    updated_at integer not null
) strict;
create index participant_orchestrated on participant (orchestrated_no, no);
create index participant_profile on participant (profile_no) where profile_no is not null;

create table posted (  -- a communication; ids ascend
    no integer primary key autoincrement,
    communication_id blob not null unique,
    orchestrated_no integer not null references orchestrated (no),
    author_no integer not null references participant (no),
    author text not null,  -- JSON: by which address
    recipients text not null,  -- JSON
    content text not null,  -- JSON
    digest blob not null,  -- of its author and words
    channel_id text,
    resource_id text,
    occurred_at integer not null,
    created_at integer not null
) strict;
create index posted_order on posted (orchestrated_no, no);
create unique index posted_resource on posted (orchestrated_no, resource_id) where resource_id is not null;
create index posted_same on posted (orchestrated_no, occurred_at);

alter table conversation add column led integer not null default 0;  -- 1: its times are those of who leads it

-- Others may have their say in it, who are neither the customer nor an agent.
create table said (
    id integer primary key,
    communication_id blob not null unique,
    conversation_no integer not null references conversation (no),
    message_id text,  -- the caller's own, if there is one
    occurred_at integer not null,
    created_at integer not null,
    role text not null check (role in ('customer', 'agent', 'other')),
    author text,
    channel text not null,
    content text not null
) strict;
insert into said select id, communication_id, conversation_no, message_id, occurred_at, created_at, role, author,
                        channel, content from communication;
drop table communication;
alter table said rename to communication;
create index communication_order on communication (conversation_no, id);
create unique index communication_message on communication (conversation_no, message_id) where message_id is not null;
create index communication_occurred_at on communication (id >> 23, occurred_at);
