-- Windows: emergency grants, and partitions that are taken out of service.
--
-- lifts is what an emergency grant lifts while it holds; NULL is an ordinary grant.

ALTER TABLE role_grant ADD COLUMN lifts TEXT CHECK (lifts IN ('windows', 'limits', 'windows,limits'));

-- What bursar last did to a partition that is taken out of service outside its windows.
CREATE TABLE door (
    partition_name TEXT   NOT NULL PRIMARY KEY,
    state          TEXT   NOT NULL CHECK (state IN ('closing', 'closed', 'left-alone', 'opening', 'open')),
    since_at       BIGINT NOT NULL
);
