-- People who may sign in to the dashboard. They belong to the installation, not to one environment.
CREATE TABLE member (
  id TEXT NOT NULL PRIMARY KEY,
  email TEXT NOT NULL,
  name TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('owner', 'developer', 'viewer', 'auditor')),
  password_hash TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  signed_in_at INTEGER
) STRICT;
CREATE UNIQUE INDEX member_email ON member (email);

CREATE TABLE member_session (
  id TEXT NOT NULL PRIMARY KEY,
  member_id TEXT NOT NULL REFERENCES member (id) ON DELETE CASCADE,
  token_hash TEXT NOT NULL,
  means TEXT NOT NULL CHECK (means IN ('password', 'link')),
  address TEXT NOT NULL,
  agent TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX member_session_token ON member_session (token_hash);
CREATE INDEX member_session_member ON member_session (member_id, created_at, id);

-- One-time links. The hash of the token is stored, never the token.
CREATE TABLE member_ticket (
  token_hash TEXT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('setup', 'sign_in', 'password')),
  member_id TEXT REFERENCES member (id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at INTEGER
) STRICT;
CREATE INDEX member_ticket_expires ON member_ticket (expires_at);
CREATE INDEX member_ticket_member ON member_ticket (member_id);

-- Failed sign-ins, by a keyed hash of account and address: neither can be read from it.
CREATE TABLE sign_in_attempt (
  subject TEXT NOT NULL PRIMARY KEY,
  failures INTEGER NOT NULL,
  wait_micros INTEGER NOT NULL,
  blocked_until INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sign_in_attempt_updated ON sign_in_attempt (updated_at);
