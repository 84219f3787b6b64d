-- Conversations and their messages. Keys and packing: migrations/store/0001_initial.sql.

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

-- name: find_conversation
select no, profile_no, conversation_id, status, created_at, last_at, due_at, closed_at, channels, led
from conversation where profile_no = :no and conversation_id = :conversation_id;

-- name: put_conversation
update conversation set status = :status, last_at = :last_at, due_at = :due_at, closed_at = :closed_at,
                        channels = :channels
where no = :no;

-- name: begin_again
update conversation
set begins_id = coalesce((select max(id) from communication where conversation_no = :no), 0), closed_at = null
where no = :no;

-- name: due_conversations
select no, profile_no, conversation_id, status, created_at, last_at, due_at, closed_at, channels, led
from conversation where due_at <= :now order by due_at limit :limit;

-- name: next_due
select min(due_at) from (select min(due_at) as due_at from conversation where due_at is not null
                         union all select min(due_at) from extraction where due_at is not null
                         union all select min(due_at) from orchestrated where due_at is not null and unfed_at is null
                         union all select min(unfed_at) from orchestrated where unfed_at is not null);

-- name: queue_extraction
insert into extraction (extraction_id, conversation_no, cause, first_id, last_id, summary_id, status, due_at, created_at,
                        updated_at)
select :extraction_id, v.no, :cause, v.learned_id, said.last_id, iif(:cause = 'CLOSED', v.begins_id, null), 'QUEUED',
       :at, :at, :at
from conversation v join (select max(id) as last_id from communication where conversation_no = :no) said
where v.no = :no and said.last_id > iif(:cause = 'CLOSED', v.begins_id, max(v.learned_id, v.begins_id));

-- name: is_queued
update conversation
set learned_id = coalesce((select max(id) from communication where conversation_no = :no), learned_id)
where no = :no;

-- name: due_extraction
select e.no, e.extraction_id, v.profile_no, v.conversation_id, e.cause, e.status, e.attempts, e.due_at, e.extract,
       e.stored, e.added, e.updated, e.discarded, e.screened, e.extracted_by, e.error, e.created_at, e.updated_at
from extraction e join conversation v on v.no = e.conversation_no
where e.due_at <= :now order by e.due_at, e.no limit 1;

-- name: find_extraction
select e.no, e.extraction_id, v.profile_no, v.conversation_id, e.cause, e.status, e.attempts, e.due_at, e.extract,
       e.stored, e.added, e.updated, e.discarded, e.screened, e.extracted_by, e.error, e.created_at, e.updated_at
from extraction e join conversation v on v.no = e.conversation_no
where e.extraction_id = :extraction_id;

-- name: extractions
select e.no, e.extraction_id, v.profile_no, v.conversation_id, e.cause, e.status, e.attempts, e.due_at, e.extract,
       e.stored, e.added, e.updated, e.discarded, e.screened, e.extracted_by, e.error, e.created_at, e.updated_at
from extraction e join conversation v on v.no = e.conversation_no
where v.profile_no = :no and v.conversation_id = :conversation_id order by e.no;

-- name: list_extractions_newest
select e.no, e.extraction_id, v.profile_no, v.conversation_id, e.cause, e.status, e.attempts, e.due_at, e.extract,
       e.stored, e.added, e.updated, e.discarded, e.screened, e.extracted_by, e.error, e.created_at, e.updated_at
from extraction e join conversation v on v.no = e.conversation_no
where e.status = :status and e.no < :after and (:conversation_id is null or v.conversation_id = :conversation_id)
order by e.no desc limit :limit;

-- name: list_extractions_oldest
select e.no, e.extraction_id, v.profile_no, v.conversation_id, e.cause, e.status, e.attempts, e.due_at, e.extract,
       e.stored, e.added, e.updated, e.discarded, e.screened, e.extracted_by, e.error, e.created_at, e.updated_at
from extraction e join conversation v on v.no = e.conversation_no
where e.status = :status and e.no > :after and (:conversation_id is null or v.conversation_id = :conversation_id)
order by e.no limit :limit;

-- name: list_extractions_of_newest
select e.no, e.extraction_id, v.profile_no, v.conversation_id, e.cause, e.status, e.attempts, e.due_at, e.extract,
       e.stored, e.added, e.updated, e.discarded, e.screened, e.extracted_by, e.error, e.created_at, e.updated_at
from extraction e join conversation v on v.no = e.conversation_no
where v.profile_no = :no and (:conversation_id is null or v.conversation_id = :conversation_id)
  and (:status is null or e.status = :status) and e.no < :after
order by e.no desc limit :limit;

-- name: list_extractions_of_oldest
select e.no, e.extraction_id, v.profile_no, v.conversation_id, e.cause, e.status, e.attempts, e.due_at, e.extract,
       e.stored, e.added, e.updated, e.discarded, e.screened, e.extracted_by, e.error, e.created_at, e.updated_at
from extraction e join conversation v on v.no = e.conversation_no
where v.profile_no = :no and (:conversation_id is null or v.conversation_id = :conversation_id)
  and (:status is null or e.status = :status) and e.no > :after
order by e.no limit :limit;

-- name: put_extraction
update extraction
set status = :status, attempts = :attempts, due_at = :due_at, extract = :extract, stored = :stored, added = :added,
    updated = :updated, discarded = :discarded, screened = :screened, extracted_by = :extracted_by, error = :error,
    updated_at = :updated_at
where no = :no;

-- name: count_generated
update store set generated_characters = generated_characters + :characters;

-- name: generated
select generated_characters from store;

-- name: extraction_messages
select c.id, c.communication_id, c.content, c.channel, c.occurred_at, c.created_at, c.role, c.author, v.conversation_id,
       c.message_id, c.id > e.first_id, c.id > e.summary_id
from extraction e join conversation v on v.no = e.conversation_no
    join communication c on c.conversation_no = e.conversation_no
where e.no = :no and c.id > min(e.first_id, coalesce(e.summary_id, e.first_id)) and c.id <= e.last_id
order by c.id desc limit :limit;

-- name: delete_extractions
delete from extraction where conversation_no in (select no from conversation where profile_no = :no);
