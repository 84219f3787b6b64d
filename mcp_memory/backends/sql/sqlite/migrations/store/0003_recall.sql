-- Conversations and their messages (kind 2 in the key of an item); late interaction; what a signature was made by.

create table conversation (  -- of one profile; its messages are in the order of their ids
    no integer primary key,
    profile_no integer not null references profile (no),
    conversation_id text not null,
    created_at integer not null,
    unique (profile_no, conversation_id)
) strict;

create table communication (
    id integer primary key,
    communication_id blob not null unique,
    conversation_no integer not null references conversation (no),
    message_id text,  -- the caller's own, if there is one
    occurred_at integer not null,
    created_at integer not null,
    role text not null check (role in ('customer', 'agent')),
    author text,
    channel text not null,
    content text not null
) strict;
create index communication_order on communication (conversation_no, id);
create unique index communication_message on communication (conversation_no, message_id) where message_id is not null;
create index communication_occurred_at on communication (id >> 23, occurred_at);

alter table profile add column communication_count integer not null default 0;

alter table recall_sig rename column terms_version to recipe;  -- see backends/sql/signatures.py
alter table recall_sig add column conversation_no integer;  -- of a message
alter table recall_sig add column from_agent integer;
alter table recall_sig add column tokens blob;  -- per chunk: little-endian u16 per token that has a vector, then 0
create index recall_sig_made_by on recall_sig (model_no, recipe);

create table recall_tokens (  -- for late interaction; read for the best candidates only
    id integer primary key,  -- the item's
    vectors blob not null  -- per token: little-endian f32 scale, then int8 per dimension
) strict;

alter table model add column dimensions integer;
update model set dimensions = 384;  -- there was but the bundled one
insert into model (no, model_id) values (0, '');  -- that of items whose vectors are still to be made

create table lease (  -- who does for all processes what one of them is enough for, and until when
    name text primary key,
    holder text not null,
    until integer not null
) strict, without rowid;
