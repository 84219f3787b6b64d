-- Statements on one store's file. Keys and packing: migrations/store/0001_initial.sql.

-- name: find_profile
select p.profile_id, p.created_at, p.updated_at, coalesce(p.last_occurred_at, p.created_at), p.observation_count,
       p.summary_count, p.no
from profile asked
join profile p on p.no = coalesce(asked.merged_into, asked.no)
where asked.profile_id = :profile_id;

-- name: insert_profile
insert into profile (profile_id, created_at, updated_at) values (:profile_id, :at, :at);

-- name: touch_profile
update profile set version = version + 1, updated_at = max(updated_at, :at) where no = :no;

-- name: profile_ids
select profile_id from profile
where merged_into is null
  and no in (select no from profile where profile_id between :id_from and :id_to
             union
             select profile_no from identifier where value_norm >= :prefix and value_norm < :prefix || char(1114111)
             union
             select profile_no from identifier where value_norm >= :lower and value_norm < :lower || char(1114111))
order by updated_at desc, no desc
limit :limit;

-- name: latest_profile_ids
select profile_id from profile where merged_into is null order by updated_at desc, no desc limit :limit;

-- name: count_profiles
select count(*) from profile where merged_into is null;

-- name: owner
select p.profile_id
from identifier i
join profile holder on holder.no = i.profile_no
join profile p on p.no = coalesce(holder.merged_into, holder.no)
where i.id_type = :id_type and i.value_norm = :value;

-- name: identifiers
select id_type, value_norm from identifier where profile_no = :no order by created_at, id_type, value_norm;

-- name: attach
insert into identifier (id_type, value_norm, profile_no, created_at) values (:id_type, :value, :no, :at)
on conflict (id_type, value_norm) do nothing;

-- name: detach
delete from identifier where id_type = :id_type and value_norm = :value and profile_no = :no;

-- name: definitions
select trait_group, name, data_type, id_type_promotion, description from trait_definition order by trait_group, name;

-- name: declare
insert into trait_definition (trait_group, name, data_type, id_type_promotion, description)
values (:group, :name, :data_type, :id_type_promotion, :description)
on conflict (trait_group, name) do nothing;

-- name: traits
select trait_group, name, value from trait where profile_no = :no order by trait_group, name;

-- name: put_trait
insert into trait (profile_no, trait_group, name, value, updated_at) values (:no, :group, :name, :value, :at)
on conflict (profile_no, trait_group, name) do update set value = excluded.value, updated_at = excluded.updated_at;

-- name: remove_trait
delete from trait where profile_no = :no and trait_group = :group and name = :name;

-- name: known_observations
select observation_id, digest, occurred_at, null from observation where id >> 23 = :no and digest = :digest order by id;

-- name: known_summaries
select summary_id, digest, occurred_at, conversation_id from summary where id >> 23 = :no and digest = :digest
order by id;

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
insert into model (model_id) values (:model_id) on conflict (model_id) do nothing;

-- name: model_no
select no from model where model_id = :model_id;

-- name: insert_signature
insert into recall_sig (id, occurred_at, model_no, terms_version, emb, terms)
values (:id, :occurred_at, :model_no, :terms_version, :emb, :terms);

-- name: observation
select id, observation_id, content, source, occurred_at, created_at, updated_at, conversation_ids
from observation where id = :id;

-- name: summary
select id, summary_id, content, source, occurred_at, created_at, updated_at, conversation_id
from summary where id = :id;

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
select id, occurred_at, model_no, emb, terms
from recall_sig
where id between :first and :last and occurred_at >= :begin and occurred_at < :end
order by id;
