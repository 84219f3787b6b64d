-- What reconciliation left out.

-- name: discarded
select no, content, occurred_at, observation_id, actor, rule, reason, said_in, discarded_at
from discarded where profile_no = :no order by no;

-- name: keep_discarded
insert into discarded (profile_no, content, occurred_at, observation_id, actor, rule, reason, said_in, discarded_at)
values (:no, :content, :occurred_at, :observation_id, :actor, :rule, :reason, :said_in, :discarded_at);

-- name: prune_discarded
delete from discarded where profile_no = :no
and no <= coalesce((select no from discarded where profile_no = :no order by no desc limit 1 offset :kept), -1);

-- name: delete_discarded
delete from discarded where profile_no = :no;
