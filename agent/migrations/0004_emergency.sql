-- What an emergency grant lifts while it holds; NULL is an ordinary grant.

ALTER TABLE role_grant ADD COLUMN lifts TEXT CHECK (lifts IN ('windows', 'limits', 'windows,limits'));
