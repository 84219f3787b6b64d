-- Profiles and their traits. Keys and packing: migrations/store/0001_initial.sql.

-- name: find_profile
with live (no) as (select coalesce(merged_into, no) from profile where profile_id = :profile_id)
select no, profile_id, created_at, updated_at, last_occurred_at, observation_count, summary_count, communication_count
from profile
where no in live or merged_into in live
order by merged_into is not null, created_at, profile_id;

-- name: versions
with live (no) as (select coalesce(merged_into, no) from profile where no = :no)
select no, version from profile where no in live or merged_into in live order by no;

-- name: changed
update profile set version = version + 1 where no = :no;

-- name: profile_no
select no from profile where profile_id = :profile_id;

-- name: profile_id
select profile_id from profile where no = :no;

-- name: members
with live (no) as (select coalesce(merged_into, no) from profile where no = :no)
select no from profile where no in live or merged_into in live order by merged_into is not null, created_at, profile_id;

-- name: insert_profile
insert into profile (no, profile_id, created_at, updated_at)
select 1 + max(coalesce((select max(no) from profile), 0), coalesce((select last from profile_number), 0)),
       :profile_id, :at, :at
returning no;

-- name: touch_profile
update profile set version = version + 1, updated_at = max(updated_at, :at)
where no in (select no from profile where no = :no union select merged_into from profile where no = :no);

-- name: profile_ids
with matching (no) as (
    select no from (select no from profile where profile_id between :id_from and :id_to limit 10000)
    union
    select profile_no from (select profile_no from identifier
                            where id_type in (select value from json_each(:id_types)) and retired = 0
                              and value_norm >= :prefix and value_norm < :prefix || char(1114111)
                            limit 10000)
    union
    select profile_no from (select profile_no from identifier
                            where id_type in (select value from json_each(:id_types)) and retired = 0
                              and value_norm >= :lower and value_norm < :lower || char(1114111)
                            limit 10000))
select profile_id from profile
where merged_into is null and no in (select coalesce(p.merged_into, p.no) from matching m join profile p on p.no = m.no)
order by updated_at desc, no desc
limit :limit;

-- name: latest_profile_ids
select profile_id from profile where merged_into is null order by updated_at desc, no desc limit :limit;

-- name: count_profiles
select count(*) from profile where merged_into is null;

-- name: tally_profiles
select profiles from tally;

-- name: traits
select trait_group, name, value, updated_at, profile_no from trait where profile_no = :no order by trait_group, name;

-- name: keep_trait
insert into trait_revision (profile_no, trait_group, name, value, since, actor, cause, rule, reason, changed_in)
select profile_no, trait_group, name, value, coalesce(since, updated_at), actor, cause, rule, reason, changed_in
from trait
where profile_no = :no and trait_group = :group and name = :name and value is not :value
returning no;

-- name: keep_removal
insert into trait_revision (profile_no, trait_group, name, value, since, actor, cause, rule, reason, changed_in)
select profile_no, trait_group, name, null, max(:at, coalesce(since, updated_at)), :actor, :cause, :rule, :reason, :changed_in
from trait
where profile_no = :no and trait_group = :group and name = :name;

-- name: prune_trait
delete from trait_revision
where profile_no = :no and trait_group = :group and name = :name
  and no <= (select no from trait_revision where profile_no = :no and trait_group = :group and name = :name
             order by no desc limit 1 offset :kept);

-- name: put_trait
insert into trait (profile_no, trait_group, name, value, updated_at, actor, cause, rule, reason, changed_in)
values (:no, :group, :name, :value, :at, :actor, :cause, :rule, :reason, :changed_in)
on conflict (profile_no, trait_group, name) do update
set since = case when value = excluded.value then coalesce(since, updated_at) end,
    actor = case when value = excluded.value then actor else excluded.actor end,
    cause = case when value = excluded.value then cause else excluded.cause end,
    rule = case when value = excluded.value then rule else excluded.rule end,
    reason = case when value = excluded.value then reason else excluded.reason end,
    changed_in = case when value = excluded.value then changed_in else excluded.changed_in end,
    value = excluded.value,
    updated_at = excluded.updated_at;

-- name: trait_revisions
select trait_group, name, value, since, profile_no, no, actor, cause, rule, reason, changed_in
from trait_revision where profile_no = :no
union all
select trait_group, name, value, coalesce(since, updated_at), profile_no, 1 << 61, actor, cause, rule, reason, changed_in
from trait where profile_no = :no
order by trait_group, name, no;

-- name: remove_trait
delete from trait where profile_no = :no and trait_group = :group and name = :name;

-- name: take_seq
update profile set next_seq = next_seq + :count where no = :no and next_seq + :count <= 1 << 20 returning next_seq;

-- name: list_profiles_newest
select no, created_at, profile_id from profile
where merged_into is null and (created_at, no) < (:at, :no)
order by created_at desc, no desc limit :limit;

-- name: list_profiles_oldest
select no, created_at, profile_id from profile
where merged_into is null and (created_at, no) > (:at, :no)
order by created_at, no limit :limit;

-- name: retire_number
insert into profile_number (only, last) values (1, :no)
on conflict (only) do update set last = max(last, excluded.last);

-- name: recount
update profile
set observation_count = observation_count - :observations,
    summary_count = summary_count - :summaries,
    last_occurred_at = (select max(latest)
                        from (select max(occurred_at) as latest from observation where id >> 23 = :no
                              union all
                              select max(occurred_at) from summary where id >> 23 = :no
                              union all
                              select max(occurred_at) from communication where id >> 23 = :no))
where no = :no;

-- name: delete_revisions
delete from observation_revision where observation between :first and :last;

-- name: delete_summary_revisions
delete from summary_revision where summary between :first and :last;

-- name: delete_observations
delete from observation where id between :first and :last;

-- name: delete_summaries
delete from summary where id between :first and :last;

-- name: delete_communications
delete from communication where id between :first and :last;

-- name: delete_signatures
delete from recall_sig where id between :first and :last;

-- name: delete_tokens
delete from recall_tokens where id between :first and :last;

-- name: delete_conversations
delete from conversation where profile_no = :no;

-- name: delete_traits
delete from trait where profile_no = :no;

-- name: delete_trait_revisions
delete from trait_revision where profile_no = :no;

-- name: delete_identifiers
delete from identifier where profile_no = :no;

-- name: delete_separations
delete from separation where one_no = :no or other_no = :no;

-- name: delete_conflicts
delete from identity_conflict where profile_no = :no or holder_no = :no;

-- name: delete_profile
delete from profile where no = :no;
