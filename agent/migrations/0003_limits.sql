-- Limits on everything that can be counted, also of a person in one account, of each person in an account, and of what
-- a grant lets its holder consume.
--
-- target is the subject's id for a person, the name for an account, the role for default-role, id/account for a
-- person in an account, the name for each person of an account, the grant's id for a grant, '' otherwise.
-- amount is in the base unit of the kind: jobs, CPUs, GPUs, MiB, nodes; times seconds; or 3,600,000,000ths of the
-- currency. NULL is "unlimited". No row is "says nothing".
CREATE TABLE limits_of_owners (
    target_kind TEXT   NOT NULL CHECK (target_kind IN ('person', 'account', 'person-in-account', 'each-in-account',
                                                       'grant', 'default-role', 'default-guest', 'default')),
    target      TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    amount      BIGINT CHECK (amount IS NULL OR amount >= 0),
    origin      TEXT   NOT NULL CHECK (origin IN ('policy', 'manual')),
    PRIMARY KEY (target_kind, target, kind)
);
INSERT INTO limits_of_owners (target_kind, target, kind, amount, origin)
    SELECT target_kind, target, kind, amount, origin FROM usage_limit;
DROP TABLE usage_limit;
ALTER TABLE limits_of_owners RENAME TO usage_limit;

-- The zone that an account's periods are counted in; '' is the site's.
ALTER TABLE account ADD COLUMN time_zone TEXT NOT NULL DEFAULT '';
