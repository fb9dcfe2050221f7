-- The ledger: what every run used, each change of it as a posting, and the sums of each day of the site.
--
-- A run that is told otherwise later, as after `sacctmgr show runawayjobs`, is posted back as it was and posted anew as
-- it is; nothing that was posted is ever changed. The signed sum of a run's postings is what it used.

ALTER TABLE run ADD COLUMN nodes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN node_list TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN reservation TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN priority BIGINT;
-- The reading that told the run as it is now; 0 is one from before readings were kept.
ALTER TABLE run ADD COLUMN reading BIGINT NOT NULL DEFAULT 0;
UPDATE run SET row_hash = '';

-- Whom a run is charged to and where it ran, each combination once.
CREATE TABLE attribution (
    id             BIGINT NOT NULL PRIMARY KEY,
    cluster        TEXT   NOT NULL,
    uid            BIGINT NOT NULL,
    user_name      TEXT   NOT NULL,
    account_name   TEXT   NOT NULL,
    wckey          TEXT   NOT NULL,
    partition_name TEXT   NOT NULL,
    qos            TEXT   NOT NULL,
    UNIQUE (cluster, uid, user_name, account_name, wckey, partition_name, qos)
);

-- One reading of slurmdbd, or one file that was imported, that brought anything.
CREATE TABLE reading (
    id          BIGINT NOT NULL PRIMARY KEY,
    cluster     TEXT   NOT NULL,
    kind        TEXT   NOT NULL CHECK (kind IN ('slurmdbd', 'import')),
    source      TEXT   NOT NULL,
    from_at     BIGINT,
    until_at    BIGINT,
    started_at  BIGINT NOT NULL,
    finished_at BIGINT,
    row_count   BIGINT NOT NULL,
    added       BIGINT NOT NULL,
    changed     BIGINT NOT NULL,
    set_aside   BIGINT NOT NULL
);
INSERT INTO counter (name, value) VALUES ('attribution', 0), ('posting', 0), ('reading', 0);

-- sign is 1 for what was used, -1 for the same taken back. The interval is half open; cpus are AllocTRES' own.
CREATE TABLE posting (
    id           BIGINT NOT NULL PRIMARY KEY,
    attribution  BIGINT NOT NULL REFERENCES attribution (id),
    jobid        BIGINT NOT NULL,
    submitted_at BIGINT NOT NULL,
    sign         BIGINT NOT NULL CHECK (sign IN (-1, 1)),
    state        TEXT   NOT NULL,
    eligible_at  BIGINT,
    started_at   BIGINT NOT NULL,
    ended_at     BIGINT NOT NULL,
    suspended_s  BIGINT NOT NULL,
    nodes        BIGINT NOT NULL,
    alloc_cpus   BIGINT NOT NULL,
    tres         TEXT   NOT NULL,
    reading      BIGINT NOT NULL,
    posted_at    BIGINT NOT NULL,
    CHECK (ended_at >= started_at)
);
CREATE INDEX posting_run ON posting (jobid, submitted_at);
CREATE INDEX posting_interval ON posting (ended_at, started_at, id);

-- Sums of the postings by day of the site's calendar: a cache, made anew from the postings when `day_zone` differs.
-- expansion is in millionths of node-seconds: nodes x seconds of the day x (wait + wall) / wall.
CREATE TABLE usage_day (
    day_at      BIGINT NOT NULL,
    attribution BIGINT NOT NULL,
    runs        BIGINT NOT NULL,
    started     BIGINT NOT NULL,
    ended       BIGINT NOT NULL,
    wall_s      BIGINT NOT NULL,
    cpu_s       BIGINT NOT NULL,
    node_s      BIGINT NOT NULL,
    mem_mib_s   BIGINT NOT NULL,
    gpu_s       BIGINT NOT NULL,
    billing_s   BIGINT NOT NULL,
    wait_s      BIGINT NOT NULL,
    planned_s   BIGINT NOT NULL,
    expansion   BIGINT NOT NULL,
    PRIMARY KEY (day_at, attribution)
) WITHOUT ROWID;
CREATE TABLE day_zone (
    name TEXT NOT NULL PRIMARY KEY
);

-- Rows that tell no run and yet must not be lost; the same row is kept once.
CREATE TABLE set_aside (
    cluster  TEXT   NOT NULL,
    line     TEXT   NOT NULL,
    why      TEXT   NOT NULL,
    reading  BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    PRIMARY KEY (cluster, line)
);

-- How far a file was imported: bytes from its start, and a digest of the lines before that to know it again by.
CREATE TABLE import (
    digest     TEXT   NOT NULL PRIMARY KEY,
    reading    BIGINT NOT NULL,
    bytes      BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);

CREATE TRIGGER posting_stays BEFORE DELETE ON posting
BEGIN SELECT RAISE(ABORT, 'a posting is posted back, never deleted'); END;
CREATE TRIGGER posting_is_fixed BEFORE UPDATE ON posting
BEGIN SELECT RAISE(ABORT, 'a posting never changes'); END;

-- What was kept before there were postings; the sums of the days are made at the first reading.
INSERT INTO attribution (id, cluster, uid, user_name, account_name, wckey, partition_name, qos)
    SELECT ROW_NUMBER() OVER (ORDER BY cluster, uid, user_name, account_name, wckey, partition_name, qos),
           cluster, uid, user_name, account_name, wckey, partition_name, qos
    FROM (SELECT DISTINCT cluster, uid, user_name, account_name, wckey, partition_name, qos FROM run);
INSERT INTO posting (id, attribution, jobid, submitted_at, sign, state, eligible_at, started_at, ended_at, suspended_s,
                     nodes, alloc_cpus, tres, reading, posted_at)
    SELECT ROW_NUMBER() OVER (ORDER BY run.cluster, run.jobid, run.submitted_at), attribution.id, run.jobid,
           run.submitted_at, 1, run.state, run.eligible_at, run.started_at, run.ended_at, run.suspended_s, run.nodes,
           run.alloc_cpus, run.tres, 0, run.changed_at
    FROM run JOIN attribution USING (cluster, uid, user_name, account_name, wckey, partition_name, qos)
    WHERE run.started_at IS NOT NULL AND run.ended_at IS NOT NULL AND run.ended_at >= run.started_at;
UPDATE counter SET value = (SELECT COALESCE(MAX(id), 0) FROM attribution) WHERE name = 'attribution';
UPDATE counter SET value = (SELECT COALESCE(MAX(id), 0) FROM posting) WHERE name = 'posting';
