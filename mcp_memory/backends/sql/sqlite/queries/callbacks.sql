-- What is still to be told to others: the outbox.

-- name: queue_callback
insert into callback (token, conversation_id, url, method, event_type, body, created_at, due_at, attempts, status,
                      error)
values (:token, :conversation_id, :url, :method, :event_type, :body, :created_at,
        iif(exists (select 1 from callback
                    where conversation_id = :conversation_id and url = :url and method = :method
                      and status = 'PENDING'),
            null, :due_at),
        :attempts, :status, :error);

-- name: due_callbacks
select token, conversation_id, url, method, event_type, body, created_at, due_at, attempts, status, error
from callback
where due_at <= :now and url not in (select value from json_each(:but))
order by due_at, no limit :limit;

-- name: next_callback_due
select due_at from callback
where due_at is not null and url not in (select value from json_each(:but))
order by due_at limit 1;

-- name: find_callback
select token, conversation_id, url, method, event_type, body, created_at, due_at, attempts, status, error
from callback where token = :token;

-- name: conversation_callbacks
select token, conversation_id, url, method, event_type, body, created_at, due_at, attempts, status, error
from callback where conversation_id = :conversation_id order by no;

-- name: put_callback
update callback set body = :body, due_at = :due_at, attempts = :attempts, status = :status, error = :error
where token = :token;

-- name: release_callback
update callback set due_at = :at
where no = (select min(no) from callback
            where conversation_id = :conversation_id and url = :url and method = :method and due_at is null);

-- name: give_up_callbacks
update callback set status = 'FAILED', body = '', error = :error, due_at = :forget
where url = :url and status = 'PENDING' and created_at < :before
returning no;

-- name: release_callbacks
update callback set due_at = created_at
where url = :url and status = 'PENDING' and due_at is null
  and not exists (select 1 from callback earlier
                  where earlier.conversation_id = callback.conversation_id and earlier.url = callback.url
                    and earlier.method = callback.method and earlier.status = 'PENDING' and earlier.no < callback.no);

-- name: delete_callback
delete from callback where token = :token;

-- name: forget_callbacks
delete from callback where conversation_id = :conversation_id;
