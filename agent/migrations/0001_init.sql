-- What bursar knows: who there is, what they may do, what they used, and who changed any of it.
--
-- Instants are UTC seconds. Ids are handed out by the counter table, so that the same statements serve SQLite and
-- PostgreSQL. Nobody and nothing that ever owned a number or a grant is deleted: it changes its state.

CREATE TABLE counter (
    name  TEXT   NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counter (name, value) VALUES
    ('audit', 0), ('generation', 0), ('posix_group', 0), ('role_grant', 0), ('subject', 0);

-- Every uid and gid that was ever given out. Persons, groups and accounts share one number space, and a row stays
-- for ever, so a number never comes to mean somebody else.
CREATE TABLE number_allocation (
    number       BIGINT NOT NULL PRIMARY KEY,
    kind         TEXT   NOT NULL CHECK (kind IN ('person', 'group', 'account')),
    source       TEXT   NOT NULL,
    immutable_id TEXT   NOT NULL,
    allocated_at BIGINT NOT NULL,
    UNIQUE (kind, source, immutable_id)
);

CREATE TABLE subject (
    id           BIGINT NOT NULL PRIMARY KEY,
    uid          BIGINT NOT NULL UNIQUE REFERENCES number_allocation (number),
    name         TEXT   NOT NULL UNIQUE,
    display_name TEXT   NOT NULL,
    mail         TEXT,
    kind         TEXT   NOT NULL CHECK (kind IN ('member', 'guest')),
    state        TEXT   NOT NULL CHECK (state IN ('active', 'disabled', 'removed')),
    first_seen   BIGINT NOT NULL,
    changed_at   BIGINT NOT NULL
);

-- Who a source says a subject is. source_name follows renames at the source; subject.name never does.
CREATE TABLE identity (
    source       TEXT   NOT NULL,
    immutable_id TEXT   NOT NULL,
    subject_id   BIGINT NOT NULL REFERENCES subject (id),
    source_name  TEXT   NOT NULL,
    PRIMARY KEY (source, immutable_id)
);
CREATE INDEX identity_subject ON identity (subject_id);

CREATE TABLE ssh_key (
    subject_id BIGINT NOT NULL REFERENCES subject (id),
    key_text   TEXT   NOT NULL,
    PRIMARY KEY (subject_id, key_text)
);

CREATE TABLE posix_group (
    id           BIGINT NOT NULL PRIMARY KEY,
    source       TEXT   NOT NULL,
    immutable_id TEXT   NOT NULL,
    name         TEXT   NOT NULL UNIQUE,
    gid          BIGINT UNIQUE REFERENCES number_allocation (number),
    description  TEXT   NOT NULL,
    state        TEXT   NOT NULL CHECK (state IN ('active', 'removed')),
    UNIQUE (source, immutable_id)
);

CREATE TABLE membership (
    group_id   BIGINT NOT NULL REFERENCES posix_group (id),
    subject_id BIGINT NOT NULL REFERENCES subject (id),
    PRIMARY KEY (group_id, subject_id)
);
CREATE INDEX membership_subject ON membership (subject_id);

-- People, groups and keys that a source brought and bursar did not take in, and why; a row goes when its cause goes.
CREATE TABLE refused_identity (
    source       TEXT   NOT NULL,
    kind         TEXT   NOT NULL CHECK (kind IN ('person', 'group', 'ssh-key')),
    immutable_id TEXT   NOT NULL,
    source_name  TEXT   NOT NULL,
    reason       TEXT   NOT NULL,
    since        BIGINT NOT NULL,
    PRIMARY KEY (source, kind, immutable_id)
);

CREATE TABLE account (
    name        TEXT   NOT NULL PRIMARY KEY,
    parent      TEXT   REFERENCES account (name),
    description TEXT   NOT NULL,
    cost_center TEXT   NOT NULL,
    gid         BIGINT UNIQUE REFERENCES number_allocation (number),
    origin      TEXT   NOT NULL CHECK (origin IN ('policy', 'manual')),
    state       TEXT   NOT NULL CHECK (state IN ('active', 'removed'))
);

-- account_name is NULL for the scope "cluster"; until_at is NULL for a grant without end.
CREATE TABLE role_grant (
    id            BIGINT NOT NULL PRIMARY KEY,
    subject_id    BIGINT REFERENCES subject (id),
    group_id      BIGINT REFERENCES posix_group (id),
    role          TEXT   NOT NULL CHECK (role IN ('cluster-admin', 'compute-user', 'observer')),
    account_name  TEXT   REFERENCES account (name),
    from_at       BIGINT NOT NULL,
    until_at      BIGINT,
    reason        TEXT   NOT NULL,
    origin        TEXT   NOT NULL CHECK (origin IN ('policy', 'manual')),
    granted_by    TEXT   NOT NULL,
    granted_at    BIGINT NOT NULL,
    revoked_at    BIGINT,
    revoked_by    TEXT,
    revoke_reason TEXT,
    CHECK ((subject_id IS NULL) <> (group_id IS NULL)),
    CHECK (until_at IS NULL OR until_at > from_at),
    CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);
CREATE INDEX role_grant_subject ON role_grant (subject_id);
CREATE INDEX role_grant_group ON role_grant (group_id);

-- target is the subject's id for a person, the name for an account, the role for default-role, '' otherwise.
-- amount is jobs or CPU-seconds by the kind of limit; NULL is "unlimited". No row is "says nothing".
CREATE TABLE usage_limit (
    target_kind TEXT   NOT NULL CHECK (target_kind IN ('person', 'account', 'default-role', 'default-guest', 'default')),
    target      TEXT   NOT NULL,
    kind        TEXT   NOT NULL CHECK (kind IN ('running-jobs', 'queued-jobs', 'cpu-hours-per-day',
                                                'cpu-hours-per-week', 'cpu-hours-per-month')),
    amount      BIGINT CHECK (amount IS NULL OR amount >= 0),
    origin      TEXT   NOT NULL CHECK (origin IN ('policy', 'manual')),
    PRIMARY KEY (target_kind, target, kind)
);

-- One row per run of a job, keyed as slurmdbd keys it. dbindex is text: from Slurm 24.11 on it can exceed 63 bits.
CREATE TABLE run (
    cluster        TEXT   NOT NULL,
    jobid          BIGINT NOT NULL,
    submitted_at   BIGINT NOT NULL,
    dbindex        TEXT   NOT NULL,
    user_name      TEXT   NOT NULL,
    uid            BIGINT NOT NULL,
    account_name   TEXT   NOT NULL,
    partition_name TEXT   NOT NULL,
    qos            TEXT   NOT NULL,
    wckey          TEXT   NOT NULL,
    state          TEXT   NOT NULL,
    eligible_at    BIGINT,
    started_at     BIGINT,
    ended_at       BIGINT,
    elapsed_s      BIGINT NOT NULL,
    suspended_s    BIGINT NOT NULL,
    alloc_cpus     BIGINT NOT NULL,
    tres           TEXT   NOT NULL,
    timelimit_s    BIGINT,
    row_hash       TEXT   NOT NULL,
    first_seen     BIGINT NOT NULL,
    changed_at     BIGINT NOT NULL,
    PRIMARY KEY (cluster, jobid, submitted_at)
);
CREATE INDEX run_interval ON run (cluster, ended_at, started_at);

-- How far a reading of a cluster has come, written in the transaction that keeps what was read.
CREATE TABLE watermark (
    cluster TEXT   NOT NULL,
    kind    TEXT   NOT NULL,
    value   BIGINT NOT NULL,
    PRIMARY KEY (cluster, kind)
);

CREATE TABLE login (
    event_id        TEXT   NOT NULL PRIMARY KEY,
    at              BIGINT NOT NULL,
    node            TEXT   NOT NULL,
    service         TEXT   NOT NULL,
    user_name       TEXT   NOT NULL,
    uid             BIGINT,
    decision        TEXT   NOT NULL CHECK (decision IN ('allowed', 'refused', 'opened', 'closed')),
    code            TEXT   NOT NULL,
    rhost           TEXT   NOT NULL,
    method          TEXT   NOT NULL,
    key_fingerprint TEXT   NOT NULL
);
CREATE INDEX login_at ON login (at);
CREATE INDEX login_user ON login (user_name, at);

CREATE TABLE audit (
    id         BIGINT NOT NULL PRIMARY KEY,
    at         BIGINT NOT NULL,
    actor      TEXT   NOT NULL,
    action     TEXT   NOT NULL,
    object     TEXT   NOT NULL,
    before     TEXT,
    after      TEXT,
    reason     TEXT   NOT NULL
);
CREATE INDEX audit_object ON audit (object, id);
