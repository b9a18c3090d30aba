-- What people wish to be told and how, files they exported, reports of months.

-- en, hi
alter table users add column language text not null default 'en';
-- Null: the installation's.
alter table users add column time_zone text;
-- mail, chat, none
alter table users add column reminders_by text not null default 'mail';
alter table users add column remind_open boolean not null default true;
alter table users add column remind_news boolean not null default true;
alter table users add column chat_webhook_url text;
alter table users add column receipts boolean not null default false;
alter table users add column monthly_reports boolean not null default true;
-- When they were last told of what is new.
alter table users add column news_sent_at timestamptz;
-- Set while mail to the address is refused for good, with what the other server said.
alter table users add column mail_refused_at timestamptz;
alter table users add column mail_refusal text;

-- Files of bookings. The id is the job's, and the file's name in the storage.
create table exports (
    id uuid primary key,
    owner_id uuid not null references users (id),
    row_count bigint not null,
    byte_count bigint not null,
    created_at timestamptz not null,
    expires_at timestamptz not null
);
create index exports_by_owner on exports (owner_id, id);
create index exports_by_expiry on exports (expires_at);

-- What a month came to, as it was reported.
create table reports (
    id uuid primary key,
    -- Null: the operator's, of everybody.
    user_id uuid references users (id),
    -- As in 2026-10.
    month text not null,
    -- JSON.
    body text not null,
    created_at timestamptz not null
);
create unique index reports_of_users on reports (user_id, month) where user_id is not null;
create unique index reports_of_the_operator on reports (month) where user_id is null;
