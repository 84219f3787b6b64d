-- Conversations of several people: migrations/store/0009_orchestrator.sql.

-- name: find_orchestrated
select no, conversation_id, configuration_id, settings, name, status, last_at, closed_at, created_at, updated_at
from orchestrated where conversation_id = :conversation_id;

-- name: insert_orchestrated
insert into orchestrated (conversation_id, configuration_id, settings, name, status, group_key, last_at, due_at,
                          created_at, updated_at)
values (:conversation_id, :configuration_id, :settings, :name, :status, :group_key, :last_at, :due_at, :created_at,
        :updated_at);

-- name: put_orchestrated
update orchestrated
set settings = :settings, name = :name, status = :status, group_key = :group_key, last_at = :last_at, due_at = :due_at,
    closed_at = :closed_at, updated_at = :updated_at
where conversation_id = :conversation_id;

-- name: set_unfed
update orchestrated set unfed_at = :at where conversation_id = :conversation_id;

-- name: due_orchestrated
select conversation_id from orchestrated where due_at <= :now and unfed_at is null order by due_at limit :limit;

-- name: unfed_orchestrated
select conversation_id from orchestrated where unfed_at <= :now order by unfed_at limit 1;

-- name: open_of_key
select conversation_id from orchestrated
where configuration_id = :configuration_id and group_key = :group_key and status <> 'CLOSED' order by no limit 1;

-- name: open_of_profile
select o.conversation_id from participant p join orchestrated o on o.no = p.orchestrated_no
where p.profile_no = :no and o.configuration_id = :configuration_id and o.status <> 'CLOSED' order by o.no limit 1;

-- name: orchestrated_of_profile
select distinct o.conversation_id from participant p join orchestrated o on o.no = p.orchestrated_no
where p.profile_no = :no;

-- name: list_orchestrated
select o.no, o.conversation_id from orchestrated o
where o.no < :before and (:statuses = '[]' or o.status in (select value from json_each(:statuses)))
  and (:channel_id is null
       or exists (select 1 from participant p, json_each(p.addresses) a
                  where p.orchestrated_no = o.no and a.value ->> 'channel_id' = :channel_id)
       or exists (select 1 from posted c where c.orchestrated_no = o.no and c.channel_id = :channel_id))
order by o.no desc limit :limit;

-- name: participants
select participant_id, type, name, profile_no, addresses, created_at, updated_at from participant
where orchestrated_no = (select no from orchestrated where conversation_id = :conversation_id) order by no;

-- name: put_participant
insert into participant (participant_id, orchestrated_no, type, name, profile_no, addresses, created_at, updated_at)
select :participant_id, no, :type, :name, :profile_no, :addresses, :created_at, :updated_at
from orchestrated where conversation_id = :conversation_id
on conflict (participant_id) do update
set type = excluded.type, name = excluded.name, addresses = excluded.addresses, updated_at = excluded.updated_at,
    fed_no = iif(profile_no is excluded.profile_no, fed_no, 0), profile_no = excluded.profile_no;

-- name: fed_no
select fed_no from participant where participant_id = :participant_id;

-- name: set_fed
update participant set fed_no = :fed_no where participant_id = :participant_id;

-- name: insert_posted
insert into posted (communication_id, orchestrated_no, author_no, author, recipients, content, digest, channel_id,
                    resource_id, occurred_at, created_at)
select :communication_id, o.no, p.no, :author, :recipients, :content, :digest, :channel_id, :resource_id, :occurred_at,
       :created_at
from orchestrated o join participant p on p.orchestrated_no = o.no
where o.conversation_id = :conversation_id and p.participant_id = :participant_id;

-- name: posted_as
select c.no, c.communication_id, c.author, c.recipients, c.content, c.channel_id, c.resource_id, c.occurred_at,
       c.created_at
from posted c where c.orchestrated_no = (select no from orchestrated where conversation_id = :conversation_id)
  and c.resource_id = :resource_id;

-- name: posted_alike
select c.no, c.communication_id, c.author, c.recipients, c.content, c.channel_id, c.resource_id, c.occurred_at,
       c.created_at
from posted c where c.orchestrated_no = (select no from orchestrated where conversation_id = :conversation_id)
  and c.occurred_at = :occurred_at and c.digest = :digest;

-- name: posted_with
select c.no, c.communication_id, c.author, c.recipients, c.content, c.channel_id, c.resource_id, c.occurred_at,
       c.created_at
from posted c where c.orchestrated_no = (select no from orchestrated where conversation_id = :conversation_id)
  and c.communication_id = :communication_id;

-- name: posted_after
select c.no, c.communication_id, c.author, c.recipients, c.content, c.channel_id, c.resource_id, c.occurred_at,
       c.created_at
from posted c where c.orchestrated_no = (select no from orchestrated where conversation_id = :conversation_id)
  and c.no > :after and (:channel_id is null or c.channel_id = :channel_id)
order by c.no limit :limit;

-- name: posted_by
select communication_id from posted
where author_no = (select no from participant where participant_id = :participant_id);

-- name: delete_posted_by
delete from posted where author_no = (select no from participant where participant_id = :participant_id);

-- name: delete_participant
delete from participant where participant_id = :participant_id;

-- name: delete_all_posted
delete from posted where orchestrated_no = (select no from orchestrated where conversation_id = :conversation_id);

-- name: delete_participants
delete from participant where orchestrated_no = (select no from orchestrated where conversation_id = :conversation_id);

-- name: delete_orchestrated
delete from orchestrated where conversation_id = :conversation_id;

-- name: lead_conversation
update conversation set led = 1, due_at = null where no = :no;

-- name: said_in
select id, message_id from communication where conversation_no = :no order by id;

-- name: unsay
delete from communication where id in (select value from json_each(:ids));

-- name: unsay_signatures
delete from recall_sig where id in (select value from json_each(:ids));

-- name: unsay_tokens
delete from recall_tokens where id in (select value from json_each(:ids));

-- name: count_unsaid
update profile set communication_count = communication_count - :count where no = :no;

-- name: delete_extractions_of
delete from extraction where conversation_no = :no;

-- name: delete_conversation
delete from conversation where no = :no;
