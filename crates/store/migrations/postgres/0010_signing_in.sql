-- How members prove who they are besides a password: passkeys, and the identity they have at the single sign-on.
CREATE TABLE member_passkey (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  member_id TEXT COLLATE "C" NOT NULL REFERENCES member (id) ON DELETE CASCADE,
  credential_id TEXT COLLATE "C" NOT NULL,
  public_key TEXT COLLATE "C" NOT NULL,
  sign_count BIGINT NOT NULL,
  backup_eligible BOOLEAN NOT NULL,
  backed_up BOOLEAN NOT NULL,
  transports TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  used_at BIGINT
);
CREATE UNIQUE INDEX member_passkey_credential ON member_passkey (credential_id);
CREATE INDEX member_passkey_member ON member_passkey (member_id, created_at, id);

CREATE TABLE member_identity (
  issuer TEXT COLLATE "C" NOT NULL,
  subject TEXT COLLATE "C" NOT NULL,
  member_id TEXT COLLATE "C" NOT NULL REFERENCES member (id) ON DELETE CASCADE,
  email TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  used_at BIGINT NOT NULL,
  PRIMARY KEY (issuer, subject)
);
CREATE INDEX member_identity_member ON member_identity (member_id);

-- Challenges and states are computed and count once: here is what was used, until it would have ended anyway.
CREATE TABLE spent_challenge (
  hash TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  expires_at BIGINT NOT NULL
);
CREATE INDEX spent_challenge_expires ON spent_challenge (expires_at);

-- A session knows when its person last proved who they are, and there are more ways to begin one.
ALTER TABLE member_session DROP CONSTRAINT member_session_means_check;
ALTER TABLE member_session ADD CONSTRAINT member_session_means_check
  CHECK (means IN ('password', 'link', 'passkey', 'sso'));
ALTER TABLE member_session ADD COLUMN confirmed_at BIGINT;
UPDATE member_session SET confirmed_at = created_at;
ALTER TABLE member_session ALTER COLUMN confirmed_at SET NOT NULL;
