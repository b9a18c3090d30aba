-- One text for SQLite and PostgreSQL. Integers are bigint, instants timestamptz (microseconds
-- since the epoch in SQLite), ids uuid (16 bytes in SQLite). A comment that says collate "C" is
-- taken out of its comment on PostgreSQL: SQLite compares bytes anyhow.

create table users (
    id uuid primary key,
    -- Null once the account is deleted: the books stay, the person goes.
    email text unique,
    name text not null,
    -- Name and email in lower case, for the admin's search.
    search text not null,
    password_hash text,
    is_admin boolean not null,
    active boolean not null,
    created_at timestamptz not null,
    last_seen_at timestamptz,
    deleted_at timestamptz
);
-- The single superuser.
create unique index users_one_admin on users (is_admin) where is_admin;

-- A session is the family of refresh tokens that one sign-in began.
create table sessions (
    id uuid primary key,
    user_id uuid not null references users (id),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    user_agent text
);
create index sessions_by_user on sessions (user_id, id);
create index sessions_revoked on sessions (revoked_at) where revoked_at is not null;
create index sessions_by_expiry on sessions (expires_at);

create table refresh_tokens (
    hash bytea primary key,
    session_id uuid not null references sessions (id) on delete cascade,
    -- The token this one replaced.
    parent bytea,
    created_at timestamptz not null,
    used_at timestamptz,
    -- Given up unused, because its parent was presented again.
    discarded_at timestamptz
);
create index refresh_tokens_by_session on refresh_tokens (session_id);
create index refresh_tokens_by_parent on refresh_tokens (parent);

create table lots (
    id uuid primary key,
    -- The key of an imported lot: importing it again finds it.
    import_key text unique,
    name text not null,
    address text,
    city text,
    pin_code text,
    latitude double precision,
    longitude double precision,
    time_zone text not null,
    price_per_hour_minor bigint not null,
    currency text not null,
    free_minutes bigint not null,
    increment_minutes bigint not null,
    daily_cap_minor bigint,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz
);

create table spots (
    id uuid primary key,
    lot_id uuid not null references lots (id),
    label text not null,
    -- Sorts as people read labels: A2 before A10.
    label_order bytea not null,
    out_of_service boolean not null,
    -- The open booking. Null: nothing is parked here.
    booking_id uuid
);
create unique index spots_by_label on spots (lot_id, label_order);
-- The first free spot is the first entry of its lot.
create index spots_free on spots (lot_id, label_order)
    where booking_id is null and not out_of_service;

create table bookings (
    -- Carries started_at in its bits: ordering by id is ordering by start.
    id uuid primary key,
    reference text not null,
    lot_id uuid not null references lots (id),
    -- No foreign key: a spot can be removed, its bookings stay and keep its label.
    spot_id uuid not null,
    spot_label text not null,
    -- Null: a walk-in.
    user_id uuid references users (id),
    vehicle_plate text /* postgres: collate "C" */,
    started_at timestamptz not null,
    released_at timestamptz,
    -- Price and tariff as they were at the start.
    price_per_hour_minor bigint not null,
    currency text not null,
    free_minutes bigint not null,
    increment_minutes bigint not null,
    daily_cap_minor bigint,
    -- Null while open.
    cost_minor bigint
);
create unique index bookings_by_reference on bookings (reference);
-- What stands behind "never two bookings on a spot" and "a vehicle parks once".
create unique index bookings_open_spot on bookings (spot_id) where released_at is null;
create unique index bookings_open_plate on bookings (vehicle_plate) where released_at is null;
-- With released_at in it SQLite answers "how many are open" from the index alone, and picks it.
create index bookings_open_user on bookings (user_id, released_at, id) where released_at is null;
create index bookings_by_user on bookings (user_id, id);
create index bookings_by_lot on bookings (lot_id, id);
create index bookings_by_plate on bookings (vehicle_plate, id) where vehicle_plate is not null;

create table idempotency_keys (
    -- Who asked, and their key: 16 bytes of the SHA-256 of both.
    key_hash bytea primary key,
    -- Of method, path and body, likewise.
    request_hash bytea not null,
    status bigint not null,
    body text not null,
    created_at timestamptz not null
);
create index idempotency_keys_by_age on idempotency_keys (created_at);

create table audit (
    id uuid primary key,
    at timestamptz not null,
    actor_id uuid references users (id),
    action text not null,
    subject_kind text,
    subject_id uuid,
    -- JSON.
    detail text not null,
    address text
);
create index audit_by_action on audit (action, id);

-- Files that were imported, by their SHA-256, so that none is counted twice.
create table imports (
    sha256 bytea primary key,
    kind text not null,
    file_name text not null,
    row_count bigint not null,
    imported_at timestamptz not null
);
