-- Observations and summaries. Keys and packing: migrations/store/0001_initial.sql.

-- name: known_observations
select observation_id, digest, occurred_at, null from observation where id >> 23 = :no and digest = :digest order by id;

-- name: known_summaries
select summary_id, digest, occurred_at, conversation_id from summary where id >> 23 = :no and digest = :digest
order by id;

-- name: observations_learned
select count(*) from observation where id >> 23 = :no and created_at > :since and created_at < :until;

-- name: summaries_learned
select count(*) from summary where id >> 23 = :no and created_at > :since and created_at < :until;

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
                         content, actor, cause, rule, reason, changed_in)
values (:id, :public_id, :digest, :occurred_at, :created_at, :updated_at, :source, :conversation_ids, :content,
        :actor, :cause, :rule, :reason, :changed_in);

-- name: insert_summary
insert into summary (id, summary_id, digest, occurred_at, created_at, updated_at, source, conversation_id, content,
                     actor, cause, rule, reason, changed_in)
values (:id, :public_id, :digest, :occurred_at, :created_at, :updated_at, :source, :conversation_id, :content,
        :actor, :cause, :rule, :reason, :changed_in);

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

-- name: list_observation_newest
select id, observation_id, content, source, occurred_at, created_at, updated_at, conversation_ids
from observation
where id >> 23 = :no and (created_at, id) < (:at, :key) and created_at >= :begin and created_at < :end
  and (:source is null or source = :source)
  and (:conversation_id is null or exists (select 1 from json_each(conversation_ids) where value = :conversation_id))
order by created_at desc, id desc limit :limit;

-- name: list_observation_oldest
select id, observation_id, content, source, occurred_at, created_at, updated_at, conversation_ids
from observation
where id >> 23 = :no and (created_at, id) > (:at, :key) and created_at >= :begin and created_at < :end
  and (:source is null or source = :source)
  and (:conversation_id is null or exists (select 1 from json_each(conversation_ids) where value = :conversation_id))
order by created_at, id limit :limit;

-- name: list_summary_newest
select id, summary_id, content, source, occurred_at, created_at, updated_at, conversation_id
from summary
where id >> 23 = :no and (created_at, id) < (:at, :key) and created_at >= :begin and created_at < :end
  and (:source is null or source = :source)
  and (:conversation_id is null or conversation_id = :conversation_id)
order by created_at desc, id desc limit :limit;

-- name: list_summary_oldest
select id, summary_id, content, source, occurred_at, created_at, updated_at, conversation_id
from summary
where id >> 23 = :no and (created_at, id) > (:at, :key) and created_at >= :begin and created_at < :end
  and (:source is null or source = :source)
  and (:conversation_id is null or conversation_id = :conversation_id)
order by created_at, id limit :limit;

-- name: observation_key
select id from observation where observation_id = :public_id;

-- name: summary_key
select id from summary where summary_id = :public_id;

-- name: keep_observation
insert into observation_revision (observation, updated_at, occurred_at, source, conversation_ids, content,
                                  actor, cause, rule, reason, changed_in)
select id, updated_at, occurred_at, source, conversation_ids, content, actor, cause, rule, reason, changed_in
from observation where id = :id;

-- name: keep_summary
insert into summary_revision (summary, updated_at, occurred_at, source, conversation_id, content,
                              actor, cause, rule, reason, changed_in)
select id, updated_at, occurred_at, source, conversation_id, content, actor, cause, rule, reason, changed_in
from summary where id = :id;

-- name: update_observation
update observation
set digest = :digest, occurred_at = :occurred_at, updated_at = :updated_at, source = :source, content = :content,
    conversation_ids = :conversation_ids, actor = :actor, cause = :cause, rule = :rule, reason = :reason,
    changed_in = :changed_in
where id = :id;

-- name: update_summary
update summary
set digest = :digest, occurred_at = :occurred_at, updated_at = :updated_at, source = :source, content = :content,
    conversation_id = :conversation_id, actor = :actor, cause = :cause, rule = :rule, reason = :reason,
    changed_in = :changed_in
where id = :id;

-- name: list_revisions_newest
select id, observation_id, content, source, occurred_at, created_at, updated_at, conversation_ids
from (select id, observation_id, content, source, occurred_at, created_at, updated_at, conversation_ids
      from observation where id = :id
      union all
      select o.id, o.observation_id, r.content, r.source, r.occurred_at, o.created_at, r.updated_at, r.conversation_ids
      from observation_revision r join observation o on o.id = r.observation
      where r.observation = :id)
where updated_at < :at order by updated_at desc limit :limit;

-- name: list_revisions_oldest
select id, observation_id, content, source, occurred_at, created_at, updated_at, conversation_ids
from (select id, observation_id, content, source, occurred_at, created_at, updated_at, conversation_ids
      from observation where id = :id
      union all
      select o.id, o.observation_id, r.content, r.source, r.occurred_at, o.created_at, r.updated_at, r.conversation_ids
      from observation_revision r join observation o on o.id = r.observation
      where r.observation = :id)
where updated_at > :at order by updated_at limit :limit;

-- name: observation_history
select o.id, o.observation_id, v.content, v.source, v.occurred_at, o.created_at, v.updated_at, v.conversation_ids,
       v.number, v.actor, v.cause, v.rule, v.reason, v.changed_in
from (select row_number() over (order by updated_at) as number, *
      from (select updated_at, occurred_at, source, conversation_ids, content, actor, cause, rule, reason, changed_in
            from observation where id = :id
            union all
            select updated_at, occurred_at, source, conversation_ids, content, actor, cause, rule, reason, changed_in
            from observation_revision where observation = :id)) v
join observation o on o.id = :id
where v.number > :above and v.number < :below
order by v.number * :direction limit :limit;

-- name: summary_history
select o.id, o.summary_id, v.content, v.source, v.occurred_at, o.created_at, v.updated_at, v.conversation_id,
       v.number, v.actor, v.cause, v.rule, v.reason, v.changed_in
from (select row_number() over (order by updated_at) as number, *
      from (select updated_at, occurred_at, source, conversation_id, content, actor, cause, rule, reason, changed_in
            from summary where id = :id
            union all
            select updated_at, occurred_at, source, conversation_id, content, actor, cause, rule, reason, changed_in
            from summary_revision where summary = :id)) v
join summary o on o.id = :id
where v.number > :above and v.number < :below
order by v.number * :direction limit :limit;

-- name: observation_at
select id, observation_id, content, source, occurred_at, created_at, updated_at, conversation_ids, 0, 0
from observation
where id >> 23 = :no and created_at <= :at and updated_at <= :at
union all
select o.id, o.observation_id, r.content, r.source, r.occurred_at, o.created_at, r.updated_at, r.conversation_ids, 1,
       r.content <> o.content
from observation o join observation_revision r on r.observation = o.id
where o.id >> 23 = :no and o.created_at <= :at and o.updated_at > :at
  and r.updated_at = (select max(updated_at) from observation_revision where observation = o.id and updated_at <= :at);

-- name: summary_at
select id, summary_id, content, source, occurred_at, created_at, updated_at, conversation_id, 0, 0
from summary
where id >> 23 = :no and created_at <= :at and updated_at <= :at
union all
select o.id, o.summary_id, r.content, r.source, r.occurred_at, o.created_at, r.updated_at, r.conversation_id, 1,
       r.content <> o.content
from summary o join summary_revision r on r.summary = o.id
where o.id >> 23 = :no and o.created_at <= :at and o.updated_at > :at
  and r.updated_at = (select max(updated_at) from summary_revision where summary = o.id and updated_at <= :at);

-- name: observation_changes
select o.id, o.observation_id, v.content, v.source, v.occurred_at, o.created_at, v.updated_at, v.conversation_ids,
       v.number, v.actor, v.cause, v.rule, v.reason, v.changed_in, v.before
from (select row_number() over (partition by item order by updated_at) as number,
             lag(content) over (partition by item order by updated_at) as before, *
      from (select id as item, updated_at, occurred_at, source, conversation_ids, content, actor, cause, rule, reason, changed_in
            from observation where id >> 23 = :no and updated_at > :since
            union all
            select r.observation, r.updated_at, r.occurred_at, r.source, r.conversation_ids, r.content, r.actor, r.cause, r.rule,
                   r.reason, r.changed_in
            from observation c join observation_revision r on r.observation = c.id
            where c.id >> 23 = :no and c.updated_at > :since)) v
join observation o on o.id = v.item
where v.updated_at > :since
order by v.updated_at desc, o.id desc
limit :limit;

-- name: summary_changes
select o.id, o.summary_id, v.content, v.source, v.occurred_at, o.created_at, v.updated_at, v.conversation_id,
       v.number, v.actor, v.cause, v.rule, v.reason, v.changed_in, v.before
from (select row_number() over (partition by item order by updated_at) as number,
             lag(content) over (partition by item order by updated_at) as before, *
      from (select id as item, updated_at, occurred_at, source, conversation_id, content, actor, cause, rule, reason, changed_in
            from summary where id >> 23 = :no and updated_at > :since
            union all
            select r.summary, r.updated_at, r.occurred_at, r.source, r.conversation_id, r.content, r.actor, r.cause, r.rule,
                   r.reason, r.changed_in
            from summary c join summary_revision r on r.summary = c.id
            where c.id >> 23 = :no and c.updated_at > :since)) v
join summary o on o.id = v.item
where v.updated_at > :since
order by v.updated_at desc, o.id desc
limit :limit;
