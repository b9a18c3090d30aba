-- Whom mail does not reach: a few of many, and the overview counts them.
create index users_mail_refused on users (mail_refused_at) where mail_refused_at is not null;
