-- Rows that must outlive every mistake of ours: given-out numbers and the audit trail (SQLite's own trigger form).

CREATE TRIGGER number_allocation_stays BEFORE DELETE ON number_allocation
BEGIN SELECT RAISE(ABORT, 'a number that was given out is never taken back'); END;
CREATE TRIGGER number_allocation_is_fixed BEFORE UPDATE ON number_allocation
BEGIN SELECT RAISE(ABORT, 'a number that was given out never changes hands'); END;
CREATE TRIGGER subject_stays BEFORE DELETE ON subject
BEGIN SELECT RAISE(ABORT, 'a person stays as a tombstone'); END;
CREATE TRIGGER role_grant_stays BEFORE DELETE ON role_grant
BEGIN SELECT RAISE(ABORT, 'a grant is revoked, never deleted'); END;
CREATE TRIGGER audit_stays BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'an audit record is never deleted'); END;
CREATE TRIGGER audit_is_fixed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'an audit record never changes'); END;
