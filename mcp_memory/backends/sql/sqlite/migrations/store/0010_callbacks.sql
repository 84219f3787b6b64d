-- What is still to be told to the receivers that configurations name: written with the change that it tells of.

create table callback (
    no integer primary key,  -- their order
    token text not null unique,  -- by which receivers know an event that comes twice
    conversation_id text not null,
    url text not null,
    method text not null check (method in ('POST', 'GET')),
    event_type text not null,
    body text not null,  -- JSON; empty once it is given up
    created_at integer not null,
    due_at integer,  -- null: one of its conversation goes to the same receiver before it
    attempts integer not null default 0,  -- that failed
    status text not null check (status in ('PENDING', 'FAILED')),  -- of one that was given up due_at is when it goes
    error text
) strict;
create index callback_due on callback (due_at) where due_at is not null;
create index callback_conversation on callback (conversation_id, no);
