-- Traits that conversations stated, and what became of them.

create table trait_proposal (
    no integer primary key,  -- their order
    proposal_id blob not null unique,
    profile_no integer not null references profile (no),  -- the member that stated it
    trait_group text not null,
    name text not null,
    value text not null,  -- JSON
    evidence blob not null,  -- the id of the message
    conversation_id text not null,
    occurred_at integer not null,
    status text not null check (status in ('PROPOSED', 'WRITTEN', 'ACCEPTED', 'REJECTED')),
    reason text,  -- why it was not written where the policy is to write
    decided_by text,
    created_at integer not null,
    updated_at integer not null
) strict;
create index trait_proposal_profile on trait_proposal (profile_no, no);
