-- How many profiles there are, merged ones among them. To count them would take the longer the more there are.

create table tally (
    only integer primary key check (only = 1),
    profiles integer not null
) strict;
insert into tally (only, profiles) select 1, count(*) from profile;

create trigger profile_is_added after insert on profile begin
    update tally set profiles = profiles + 1;
end;
create trigger profile_is_gone after delete on profile begin
    update tally set profiles = profiles - 1;
end;
