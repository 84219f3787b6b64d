-- What recall reads. Keys and packing: migrations/store/0001_initial.sql.

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

-- name: signatures
select id, occurred_at, model_no, emb, terms, conversation_no, from_agent, tokens
from recall_sig
where id between :first and :last
order by id;

-- name: take_lease
insert into lease (name, holder, until) values (:name, :holder, :until)
on conflict (name) do update set holder = excluded.holder, until = excluded.until
where holder = excluded.holder or until < :now
returning holder;

-- name: move_signature
update recall_sig set occurred_at = :occurred_at where id = :id;
