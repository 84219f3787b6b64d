-- What reconciliation left out, and why: so that what was said and is not remembered can be seen.

create table discarded (
    no integer primary key,
    profile_no integer not null references profile (no),
    content text not null,
    occurred_at integer not null,
    observation_id blob,  -- what made it superfluous, if one thing did
    actor text,
    rule text,
    reason text,
    said_in text,  -- a conversation
    discarded_at integer not null
) strict;
create index discarded_profile on discarded (profile_no, no);
