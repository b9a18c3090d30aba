-- Each row of the audit log holds a hash of itself and of the row before it (docs/adr/0023).
alter table audit add column number bigint;
alter table audit add column hash bytea;
create unique index audit_by_number on audit (number);
-- Written by a program that knew no chain; the next row takes them in.
create index audit_unchained on audit (id) where number is null;

-- How long the chain is, and the hash of its last row: one row.
create table audit_chain (
    length bigint not null,
    -- Null: there is no row yet.
    hash bytea
);
insert into audit_chain (length, hash) values (0, null);
