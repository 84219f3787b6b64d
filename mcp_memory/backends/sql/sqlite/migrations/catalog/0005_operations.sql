-- Who is for certain stores alone is not told of what others did.

alter table operation add column stores_reached text;  -- of who asked: JSON, a list of names; null: all
