-- Work that is done after the request that caused it, by any process (docs/adr/0010).

create table jobs (
    id uuid primary key,
    kind text not null,
    -- JSON: what the job needs to know.
    payload text not null,
    -- A second job with the key of one that is still here is not made.
    unique_key text unique,
    -- Who asked for it, and may see how it goes.
    owner_id uuid references users (id),
    -- queued, running, succeeded, failed
    status text not null,
    -- Not before this.
    run_at timestamptz not null,
    attempts bigint not null,
    -- While running: which claim of it counts, and until when. A claim that is not renewed by then
    -- is given to another.
    claim_id uuid,
    claimed_until timestamptz,
    -- 0 to 1
    progress double precision not null,
    -- JSON: what came of it.
    result text,
    -- Of the last attempt.
    error text,
    created_at timestamptz not null,
    finished_at timestamptz
);
create index jobs_due on jobs (kind, run_at, id) where status = 'queued';
create index jobs_running on jobs (claimed_until) where status = 'running';
create index jobs_by_status on jobs (status, id);
create index jobs_by_owner on jobs (owner_id, id) where owner_id is not null;
create index jobs_finished on jobs (finished_at) where finished_at is not null;

-- What a schedule did last. Its expression is a setting.
create table schedules (
    name text primary key,
    -- The tick that was last worked off; ticks up to it are done.
    last_tick_at timestamptz not null,
    -- The job of the last run, by schedule or by hand.
    last_job_id uuid
);
