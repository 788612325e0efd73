-- +goose Up
create table users (
  id text primary key,
  email text not null unique,
  name text not null,
  password text not null,
  created_at bigint not null
);

create table sites (
  website_id text primary key,
  tracking_id text not null unique,
  domain text not null unique,
  timezone text not null,
  threshold bigint not null,
  ip_policy text not null,
  hostnames text not null,
  ignore_signals bigint not null,
  query_keys text not null,
  demo bigint not null,
  created_at bigint not null
);

-- A key without website_id is for all sites.
create table api_keys (
  id text primary key,
  website_id text references sites (website_id) on delete cascade,
  name text not null,
  prefix text not null,
  hash text not null unique,
  scopes text not null,
  created_at bigint not null,
  last_used_at bigint not null
);

create index api_keys_website_id on api_keys (website_id);

create table login_sessions (
  token text primary key,
  data text not null,
  expires_at bigint not null
);

create index login_sessions_expires_at on login_sessions (expires_at);

-- +goose Down
drop table login_sessions;
drop table api_keys;
drop table sites;
drop table users;
