-- +goose Up
-- How long the raw events of a site are kept, in months; 0: as the installation does.
alter table sites add column retention_months bigint not null default 0;

-- +goose Down
alter table sites drop column retention_months;
