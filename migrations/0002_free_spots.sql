-- What parking and releasing write, on fewer pages (docs/adr/0009).

-- The spots that the next bookings take: in service, with no open booking. The first free spot of
-- a lot is its first row. Derived from spots and bookings, in the transactions that change them.
create table free_spots (
    lot_id uuid not null,
    label_order bytea not null,
    spot_id uuid not null,
    label text not null,
    primary key (lot_id, label_order)
) /* sqlite: without rowid */;
insert into free_spots (lot_id, label_order, spot_id, label)
    select lot_id, label_order, id, label from spots
    where booking_id is null and not out_of_service;
drop index spots_free;
alter table spots drop column booking_id;

-- The key as it was sent, and first in the index: keys that begin with the time, as UUIDv7 do, lie
-- side by side. Keys of the old form could not be carried over; they live for a day at most.
drop table idempotency_keys;
create table idempotency_keys (
    key text /* postgres: collate "C" */ not null,
    -- Whose key it is; the nil id for somebody without an account.
    owner_id uuid not null,
    -- Half a SHA-256 of method, path and body.
    request_hash bytea not null,
    status bigint not null,
    body text not null,
    created_at timestamptz not null,
    primary key (key, owner_id)
);
create index idempotency_keys_by_age on idempotency_keys (created_at);
