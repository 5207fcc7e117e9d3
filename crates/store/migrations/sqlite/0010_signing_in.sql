-- How members prove who they are besides a password: passkeys, and the identity they have at the single sign-on.
CREATE TABLE member_passkey (
  id TEXT NOT NULL PRIMARY KEY,
  member_id TEXT NOT NULL REFERENCES member (id) ON DELETE CASCADE,
  credential_id TEXT NOT NULL,
  public_key TEXT NOT NULL,
  sign_count INTEGER NOT NULL,
  backup_eligible INTEGER NOT NULL CHECK (backup_eligible IN (0, 1)),
  backed_up INTEGER NOT NULL CHECK (backed_up IN (0, 1)),
  transports TEXT NOT NULL,
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  used_at INTEGER
) STRICT;
CREATE UNIQUE INDEX member_passkey_credential ON member_passkey (credential_id);
CREATE INDEX member_passkey_member ON member_passkey (member_id, created_at, id);

CREATE TABLE member_identity (
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  member_id TEXT NOT NULL REFERENCES member (id) ON DELETE CASCADE,
  email TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  used_at INTEGER NOT NULL,
  PRIMARY KEY (issuer, subject)
) STRICT;
CREATE INDEX member_identity_member ON member_identity (member_id);

-- Challenges and states are computed and count once: here is what was used, until it would have ended anyway.
CREATE TABLE spent_challenge (
  hash TEXT NOT NULL PRIMARY KEY,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX spent_challenge_expires ON spent_challenge (expires_at);

-- A session knows when its person last proved who they are, and there are more ways to begin one.
CREATE TABLE member_session_next (
  id TEXT NOT NULL PRIMARY KEY,
  member_id TEXT NOT NULL REFERENCES member (id) ON DELETE CASCADE,
  token_hash TEXT NOT NULL,
  means TEXT NOT NULL CHECK (means IN ('password', 'link', 'passkey', 'sso')),
  address TEXT NOT NULL,
  agent TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  confirmed_at INTEGER NOT NULL
) STRICT;
INSERT INTO member_session_next
  SELECT id, member_id, token_hash, means, address, agent, created_at, seen_at, expires_at, created_at FROM member_session;
DROP TABLE member_session;
ALTER TABLE member_session_next RENAME TO member_session;
CREATE UNIQUE INDEX member_session_token ON member_session (token_hash);
CREATE INDEX member_session_member ON member_session (member_id, created_at, id);
