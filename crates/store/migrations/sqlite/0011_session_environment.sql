-- The environment that a member has chosen in this browser; the first one while they have chosen none.
ALTER TABLE member_session ADD COLUMN environment_id TEXT REFERENCES environment (id) ON DELETE SET NULL;
