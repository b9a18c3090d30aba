-- Tallies come in sheets of many stretches (docs/adr/0014). What is counted is counted anew; no
-- release has counted otherwise.
drop table tallies;
create table tallies (
    lot_id uuid not null,
    minutes bigint not null,
    -- Of the first stretch in the sheet, in seconds since the epoch.
    begins_at bigint not null,
    currency text not null,
    sheet bytea not null,
    primary key (lot_id, minutes, begins_at, currency)
) /* sqlite: without rowid */;
delete from tally_open;
update tally_state set through = null, recount = false, step = step + 1;
