-- PostgreSQL keeps no table in the order of its key: with the sheet in the index, which is in order, a
-- year of them is read from there (docs/adr/0014).
alter table tallies rename to tallies_before;
create table tallies (
    lot_id uuid not null,
    minutes bigint not null,
    -- Of the first stretch in the sheet, in seconds since the epoch.
    begins_at bigint not null,
    currency text not null,
    sheet bytea not null,
    primary key (lot_id, minutes, begins_at, currency) /* postgres: include (sheet) */
) /* sqlite: without rowid */;
insert into tallies (lot_id, minutes, begins_at, currency, sheet)
    select lot_id, minutes, begins_at, currency, sheet from tallies_before;
drop table tallies_before;
