-- How long plates are kept (docs/adr/0024).

-- Up to which booking plates are forgotten, all but those of plates_kept: one row.
create table plate_state (
    -- Null: nobody has begun.
    through uuid
);
insert into plate_state (through) values (null);

-- Bookings that were passed over with their plate: they had not ended long enough ago.
create table plates_kept (
    booking_id uuid primary key
) /* sqlite: without rowid */;
