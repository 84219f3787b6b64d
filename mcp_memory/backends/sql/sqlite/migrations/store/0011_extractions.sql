-- Each extraction has an id for those who ask about it: of the moment it was queued in, as all ids (RFC 9562, version 7).

alter table extraction add column extraction_id blob;
update extraction
set extraction_id = unhex(printf('%012x', created_at / 1000) || '7' || substr(hex(randomblob(2)), 2)
                          || '8' || substr(hex(randomblob(8)), 2));
create unique index extraction_id on extraction (extraction_id);
create index extraction_status on extraction (status, no);

alter table store add column generated_characters integer not null default 0;  -- by extractions, ever: for the bill
