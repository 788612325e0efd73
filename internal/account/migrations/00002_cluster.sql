-- +goose Up
-- One row. Every change of what snapshots show raises it first, which makes the changes of all processes stand in a queue.
create table revision (
  id bigint primary key,
  changes bigint not null
);

insert into revision (id, changes) values (1, 0);

-- The secrets that the doors of a cluster share. A secret is 16 bytes in base64.
create table salts (
  purpose text not null,
  day bigint not null,
  secret text not null,
  primary key (purpose, day)
);

-- +goose Down
drop table salts;
drop table revision;
