-- When somebody has to look after a store: too early perhaps, never too late. Null: nobody has looked yet.

alter table store add column stirred_at integer;  -- before something is said in it; while it goes on, now and then
alter table store add column looked_at integer;  -- then it was looked after,
alter table store add column due_at integer;  -- and this was due next; null: nothing
