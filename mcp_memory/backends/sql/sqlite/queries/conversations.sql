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
