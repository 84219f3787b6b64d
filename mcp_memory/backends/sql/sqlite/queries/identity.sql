-- Identifiers, the settings by which they are matched, and the ledger of merges. Keys and packing: migrations/store/0001_initial.sql.

-- name: holders
select profile_no from identifier where id_type = :id_type and value_norm = :value and retired = 0
order by profile_no
limit 100;

-- name: crowded
select i.profile_no
from identifier i
join identifier o on o.profile_no = i.profile_no and o.id_type = :other_type and o.value_norm = :other_value
                  and o.retired = 0
where i.id_type = :id_type and i.value_norm = :value and i.retired = 0
order by i.profile_no
limit 100;

-- name: identifiers
select id_type, value_norm, profile_no, created_at, trait_group, trait_name
from identifier where profile_no = :no and retired = 0;

-- name: retired
select id_type, value_norm, profile_no, created_at, trait_group, trait_name
from identifier where profile_no = :no and retired = 1;

-- name: attach
insert into identifier (id_type, value_norm, slot, profile_no, created_at, trait_group, trait_name)
values (:id_type, :value, :slot, :no, :at, :group, :name)
on conflict (id_type, value_norm, slot) do nothing
returning slot;

-- name: detach
delete from identifier where id_type = :id_type and value_norm = :value and profile_no = :no;

-- name: inherit
update identifier set trait_group = :group, trait_name = :name
where id_type = :id_type and value_norm = :value and profile_no = :no;

-- name: waiting
select distinct coalesce(p.merged_into, p.no)
from identifier i
join profile p on p.no = i.profile_no
where i.retired = 1 and i.id_type = :id_type and (:value is null or i.value_norm = :value);

-- name: retire
update identifier set slot = profile_no, retired = 1
where id_type = :id_type and value_norm = :value and profile_no = :no;

-- name: revive
update identifier set slot = case when :shared then profile_no else 0 end, retired = 0
where id_type = :id_type and value_norm = :value and profile_no = :no;

-- name: count_identifiers
select count(*), coalesce(sum(live > 1), 0)
from (select count(distinct coalesce(p.merged_into, p.no)) as live
      from identifier i
      join profile p on p.no = i.profile_no
      where i.id_type = :id_type
      group by i.value_norm);

-- name: retire_doubles
update identifier set retired = 1
where id_type = :id_type and slot <> 0 and retired = 0
  and exists (select 1 from identifier other
              where other.id_type = identifier.id_type and other.value_norm = identifier.value_norm
                and other.retired = 0 and other.slot < identifier.slot);

-- name: reslot
update identifier set slot = case when :shared then profile_no else 0 end
where id_type = :id_type and retired = 0 and (slot <> 0) <> :shared;

-- name: identity_settings
select version, settings from identity_settings;

-- name: put_identity_settings
insert into identity_settings (only, version, settings) values (1, :version, :settings)
on conflict (only) do update set version = excluded.version, settings = excluded.settings;

-- name: set_merged
update profile set merged_into = :into_no where no = :no;

-- name: insert_merge
insert into profile_merge (one_no, other_no, into_no, merged_no, made_at, made_by, id_type, value_norm, into_had,
                           merged_had)
values (:one, :other, :into_no, :merged_no, :at, :made_by, :id_type, :value, :into_had, :merged_had)
returning no;

-- name: undo_merge
update profile_merge set undone_at = :at where no = :merge_no;

-- name: merges
select no, one_no, other_no, into_no, merged_no, made_at, made_by, id_type, value_norm, undone_at
from profile_merge where one_no = :no or other_no = :no;

-- name: sides
select into_had, merged_had from profile_merge where no = :no;

-- name: separate
insert into separation (one_no, other_no, id_type, value_norm, made_at) values (:one, :other, :id_type, :value, :at)
on conflict (one_no, other_no, id_type, value_norm) do nothing;

-- name: separations
select one_no, other_no, id_type, value_norm, made_at from separation where one_no = :no or other_no = :no;

-- name: record_conflict
insert into identity_conflict (profile_no, holder_no, id_type, value_norm, reason, differ, first_at, last_at)
values (:no, :holder, :id_type, :value, :reason, :differ, :at, :at)
on conflict (profile_no, holder_no, id_type, value_norm, reason)
do update set last_at = excluded.last_at, differ = excluded.differ, times = times + 1;

-- name: conflicts
select profile_no, holder_no, id_type, value_norm, reason, differ, first_at, last_at, times
from identity_conflict where profile_no = :no or holder_no = :no;

-- name: related_merges
with recursive related (no) as (
    select :no
    union
    select case when m.one_no = r.no then m.other_no else m.one_no end
    from related r join profile_merge m on m.one_no = r.no or m.other_no = r.no)
select no, one_no, other_no, into_no, merged_no, made_at, made_by, id_type, value_norm, undone_at
from profile_merge
where one_no in (select no from related) or into_no = :no or merged_no = :no;

-- name: remove_merge
delete from profile_merge where no = :merge_no;

-- name: redact_merge
update profile_merge set into_no = :into_no, merged_no = :merged_no, into_had = :nothing, merged_had = :nothing
where no = :merge_no;
