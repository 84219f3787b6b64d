-- Statements on one store's file. Keys and packing: migrations/store/0001_initial.sql.

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
insert into profile (profile_id, created_at, updated_at) values (:profile_id, :at, :at) returning no;

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

-- name: traits
select trait_group, name, value, updated_at, profile_no from trait where profile_no = :no order by trait_group, name;

-- name: put_trait
insert into trait (profile_no, trait_group, name, value, updated_at) values (:no, :group, :name, :value, :at)
on conflict (profile_no, trait_group, name) do update set value = excluded.value, updated_at = excluded.updated_at;

-- name: remove_trait
delete from trait where profile_no = :no and trait_group = :group and name = :name;

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

-- name: definitions
select trait_group, name, data_type, id_type_promotion, description, validation_rule
from trait_definition order by trait_group, name;

-- name: declare
insert into trait_definition (trait_group, name, data_type, id_type_promotion, description, validation_rule)
values (:group, :name, :data_type, :id_type_promotion, :description, :validation_rule)
on conflict (trait_group, name) do nothing;

-- name: add_trait_group
insert into trait_group (name) values (:name) on conflict (name) do nothing;

-- name: trait_groups
select name, description, version from trait_group order by name;

-- name: put_trait_group
insert into trait_group (name, description, version) values (:name, :description, :version)
on conflict (name) do update set description = excluded.description, version = excluded.version;

-- name: remove_trait_group
delete from trait_group where name = :name;

-- name: remove_definitions
delete from trait_definition where trait_group = :group;

-- name: has_values
select exists (select 1 from trait where trait_group = :group and name = :name);

-- name: forget_values
delete from trait where trait_group = :group and name = :name;

-- name: inherit_identifiers
update identifier set trait_group = :heir_group, trait_name = :heir_name
where trait_group = :group and trait_name = :name
  and exists (select 1 from trait t
              where t.profile_no = identifier.profile_no and t.trait_group = :heir_group and t.name = :heir_name
                and json_extract(t.value, '$') = identifier.value_norm);

-- name: forget_identifiers
delete from identifier where trait_group = :group and trait_name = :name;

-- name: start_import
insert into profile_import (import_id, filename, file_size, digest, column_mappings, status, rows_total, created_at,
                            updated_at)
values (:import_id, :filename, :file_size, :digest, :column_mappings, :status, :rows_total, :at, :at);

-- name: find_import
select import_id, filename, file_size, column_mappings, status, rows_total, rows_done, created, updated, refused,
       merges, kept_apart, created_at, updated_at
from profile_import where import_id = :import_id;

-- name: unfinished_import
select import_id, filename, file_size, column_mappings, status, rows_total, rows_done, created, updated, refused,
       merges, kept_apart, created_at, updated_at
from profile_import where digest = :digest and status = 'PROCESSING' order by no desc limit 1;

-- name: put_import
update profile_import
set status = :status, rows_done = :rows_done, created = :created, updated = :updated, refused = :refused,
    merges = :merges, kept_apart = :kept_apart, updated_at = :at
where import_id = :import_id;

-- name: add_remark
insert into import_remark (import_no, row, refused, reason)
select no, :row, :refused, :reason from profile_import where import_id = :import_id;

-- name: remarks
select row, refused, reason from import_remark
where import_no = (select no from profile_import where import_id = :import_id) and row > :after
order by row limit :limit;

-- name: known_observations
select observation_id, digest, occurred_at, null from observation where id >> 23 = :no and digest = :digest order by id;

-- name: known_summaries
select summary_id, digest, occurred_at, conversation_id from summary where id >> 23 = :no and digest = :digest
order by id;

-- name: observations_learned
select count(*) from observation where id >> 23 = :no and created_at > :since and created_at < :until;

-- name: summaries_learned
select count(*) from summary where id >> 23 = :no and created_at > :since and created_at < :until;

-- name: take_seq
update profile set next_seq = next_seq + :count where no = :no and next_seq + :count <= 1 << 20 returning next_seq;

-- name: count_observations
update profile set observation_count = observation_count + :count,
                   last_occurred_at = max(coalesce(last_occurred_at, :occurred_at), :occurred_at)
where no = :no;

-- name: count_summaries
update profile set summary_count = summary_count + :count,
                   last_occurred_at = max(coalesce(last_occurred_at, :occurred_at), :occurred_at)
where no = :no;

-- name: insert_observation
insert into observation (id, observation_id, digest, occurred_at, created_at, updated_at, source, conversation_ids,
                         content)
values (:id, :public_id, :digest, :occurred_at, :created_at, :updated_at, :source, :conversation_ids, :content);

-- name: insert_summary
insert into summary (id, summary_id, digest, occurred_at, created_at, updated_at, source, conversation_id, content)
values (:id, :public_id, :digest, :occurred_at, :created_at, :updated_at, :source, :conversation_id, :content);

-- name: add_model
insert into model (model_id, dimensions) values (:model_id, :dimensions)
on conflict (model_id) do update set dimensions = coalesce(excluded.dimensions, dimensions);

-- name: model
select no, dimensions from model where model_id = :model_id;

-- name: signed_at
select occurred_at from recall_sig where id = :id;

-- name: observation_text
select content from observation where id = :id;

-- name: summary_text
select content from summary where id = :id;

-- name: put_signature
insert into recall_sig (id, occurred_at, model_no, recipe, emb, terms, conversation_no, from_agent, tokens)
values (:id, :occurred_at, :model_no, :recipe, :emb, :terms, :conversation_no, :from_agent, :tokens)
on conflict (id) do update
set model_no = excluded.model_no, recipe = excluded.recipe, emb = excluded.emb, terms = excluded.terms,
    tokens = excluded.tokens;

-- name: put_tokens
insert into recall_tokens (id, vectors) values (:id, :vectors)
on conflict (id) do update set vectors = excluded.vectors;

-- name: remove_tokens
delete from recall_tokens where id = :id;

-- name: token_vectors
select t.id, t.vectors from json_each(:ids) wanted join recall_tokens t on t.id = wanted.value;

-- name: stale
select id from recall_sig where model_no < :model_no
union all
select id from recall_sig where model_no > :model_no
union all
select id from recall_sig where model_no = :model_no and recipe < :recipe
union all
select id from recall_sig where model_no = :model_no and recipe > :recipe
limit :limit;

-- name: models
select no, dimensions from model where no > 0;

-- name: signatures_of
select id, occurred_at, model_no, emb, terms, conversation_no, from_agent, tokens
from recall_sig not indexed  -- or each page would be sorted out of all there are
where model_no = :model_no and id > :after
order by id
limit :limit;

-- name: forget_signature
update recall_sig set model_no = 0 where id = :id;

-- name: count_stale
select (select count(*) from recall_sig where model_no < :model_no)
     + (select count(*) from recall_sig where model_no > :model_no)
     + (select count(*) from recall_sig where model_no = :model_no and recipe < :recipe)
     + (select count(*) from recall_sig where model_no = :model_no and recipe > :recipe);

-- name: observation
select id, observation_id, content, source, occurred_at, created_at, updated_at, conversation_ids
from observation where id in (select value from json_each(:ids));

-- name: summary
select id, summary_id, content, source, occurred_at, created_at, updated_at, conversation_id
from summary where id in (select value from json_each(:ids));

-- name: latest_observations
select id, observation_id, content, source, occurred_at, created_at, updated_at, conversation_ids
from observation
where id >> 23 = :no and occurred_at >= :begin and occurred_at < :end
order by occurred_at desc, id desc
limit :limit;

-- name: latest_summaries
select id, summary_id, content, source, occurred_at, created_at, updated_at, conversation_id
from summary
where id >> 23 = :no and occurred_at >= :begin and occurred_at < :end
order by occurred_at desc, id desc
limit :limit;

-- name: signatures
select id, occurred_at, model_no, emb, terms, conversation_no, from_agent, tokens
from recall_sig
where id between :first and :last
order by id;

-- name: add_conversation
insert into conversation (profile_no, conversation_id, created_at) values (:no, :conversation_id, :at)
on conflict (profile_no, conversation_id) do nothing;

-- name: conversation_no
select no from conversation where profile_no = :no and conversation_id = :conversation_id;

-- name: insert_communication
insert into communication (id, communication_id, conversation_no, message_id, occurred_at, created_at, role, author,
                           channel, content)
values (:id, :public_id, :conversation_no, :message_id, :occurred_at, :created_at, :role, :author, :channel, :content);

-- name: count_communications
update profile set communication_count = communication_count + :count,
                   last_occurred_at = max(coalesce(last_occurred_at, :occurred_at), :occurred_at)
where no = :no;

-- name: communication_id
select id from communication where communication_id = :public_id;

-- name: known_message
select c.communication_id from communication c
where c.conversation_no = (select no from conversation where profile_no = :no and conversation_id = :conversation_id)
  and c.message_id = :message_id;

-- name: communication
select c.id, c.communication_id, c.content, c.channel, c.occurred_at, c.created_at, c.role, c.author, v.conversation_id,
       c.message_id
from communication c join conversation v on v.no = c.conversation_no
where c.id in (select value from json_each(:ids));

-- name: conversation_end
select c.id, c.communication_id, c.content, c.channel, c.occurred_at, c.created_at, c.role, c.author, v.conversation_id,
       c.message_id
from conversation v join communication c on c.conversation_no = v.no
where v.profile_no = :no and v.conversation_id = :conversation_id and c.occurred_at >= :begin and c.occurred_at < :end
order by c.id desc
limit :limit;

-- name: latest_communications
select c.id, c.communication_id, c.content, c.channel, c.occurred_at, c.created_at, c.role, c.author, v.conversation_id,
       c.message_id
from communication c join conversation v on v.no = c.conversation_no
where c.id >> 23 = :no and c.occurred_at >= :begin and c.occurred_at < :end
order by c.occurred_at desc, c.id desc
limit :limit;

-- name: message_before
select author, content from communication
where conversation_no = :conversation_no and id < :id order by id desc limit 1;

-- name: message_after
select author, content from communication
where conversation_no = :conversation_no and id > :id order by id limit 1;

-- name: message
select conversation_no, author, content from communication where id = :id;

-- name: take_lease
insert into lease (name, holder, until) values (:name, :holder, :until)
on conflict (name) do update set holder = excluded.holder, until = excluded.until
where holder = excluded.holder or until < :now
returning holder;
