-- What happened in a stretch of time, counted beside the bookings and not with them
-- (docs/adr/0014); the vehicles of an account.

-- Of each lot, and of all together under the nil id: quarters of an hour and whole days, in UTC.
-- Every time zone begins its days with a quarter.
create table tallies (
    lot_id uuid not null,
    minutes bigint not null,
    -- Seconds since the epoch.
    begins_at bigint not null,
    currency text not null,
    started bigint not null,
    released bigint not null,
    -- From the beginning to the starts and to the releases in it, summed.
    started_seconds bigint not null,
    released_seconds bigint not null,
    -- Of those released in it.
    stay_seconds bigint not null,
    revenue_minor bigint not null,
    primary key (lot_id, minutes, begins_at, currency)
) /* sqlite: without rowid */;

-- Bookings that are counted as started and not yet as released.
create table tally_open (
    booking_id uuid primary key
) /* sqlite: without rowid */;

-- How far bookings are counted: one row.
create table tally_state (
    -- The last booking that is counted as started; null: none is yet.
    through uuid,
    -- Each count is a step, so that no two count the same.
    step bigint not null,
    -- The clock went back behind what is counted: all is to be counted anew once it has caught up.
    recount boolean not null
);
insert into tally_state (through, step, recount)
    values (null, 0, false);

create table vehicles (
    id uuid primary key,
    user_id uuid not null references users (id),
    plate text not null,
    -- What the person calls it.
    name text,
    is_default boolean not null,
    created_at timestamptz not null
);
create unique index vehicles_by_plate on vehicles (user_id, plate);
create unique index vehicles_default on vehicles (user_id) where is_default;
