-- Imports and what there is to say of their rows. Keys and packing: migrations/store/0001_initial.sql.

-- name: start_import
insert into profile_import (import_id, filename, file_size, digest, secret_digest, column_mappings, status, rows_total,
                            created_at, updated_at)
values (:import_id, :filename, :file_size, :digest, :secret_digest, :column_mappings, :status, :rows_total, :at, :at);

-- name: find_import
select import_id, filename, file_size, column_mappings, status, rows_total, rows_done, created, updated, refused,
       merges, kept_apart, created_at, updated_at, secret_digest
from profile_import where import_id = :import_id;

-- name: unfinished_import
select import_id, filename, file_size, column_mappings, status, rows_total, rows_done, created, updated, refused,
       merges, kept_apart, created_at, updated_at, secret_digest
from profile_import where digest = :digest and status = 'PROCESSING' and secret_digest is null
order by no desc limit 1;

-- name: put_import
update profile_import
set status = :status, rows_done = :rows_done, created = :created, updated = :updated, refused = :refused,
    merges = :merges, kept_apart = :kept_apart, updated_at = :at
where import_id = :import_id;

-- name: add_remark
insert into import_remark (import_no, row, refused, reason)
select no, :row, :refused, :reason from profile_import where import_id = :import_id;

-- name: remarks
select row, refused, reason from import_remark
where import_no = (select no from profile_import where import_id = :import_id) and row > :after
order by row limit :limit;

-- name: import_digest
select digest from profile_import where import_id = :import_id;

-- name: begin_import
update profile_import set digest = :digest, status = :status, rows_total = :rows_total, updated_at = :at
where import_id = :import_id;

-- name: list_imports_newest
select no, created_at, import_id from profile_import
where (created_at, no) < (:at, :no) order by created_at desc, no desc limit :limit;

-- name: list_imports_oldest
select no, created_at, import_id from profile_import
where (created_at, no) > (:at, :no) order by created_at, no limit :limit;
