-- +goose Up
-- What the jobs that one process of a cluster runs at a time have to say, as JSON.
create table jobs (
  name text primary key,
  state text not null
);

-- +goose Down
drop table jobs;
