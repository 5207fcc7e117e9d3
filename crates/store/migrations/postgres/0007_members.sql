-- People who may sign in to the dashboard. They belong to the installation, not to one environment.
CREATE TABLE member (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  email TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  role TEXT COLLATE "C" NOT NULL CHECK (role IN ('owner', 'developer', 'viewer', 'auditor')),
  password_hash TEXT COLLATE "C",
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  signed_in_at BIGINT
);
CREATE UNIQUE INDEX member_email ON member (email);

CREATE TABLE member_session (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  member_id TEXT COLLATE "C" NOT NULL REFERENCES member (id) ON DELETE CASCADE,
  token_hash TEXT COLLATE "C" NOT NULL,
  means TEXT COLLATE "C" NOT NULL CHECK (means IN ('password', 'link')),
  address TEXT COLLATE "C" NOT NULL,
  agent TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX member_session_token ON member_session (token_hash);
CREATE INDEX member_session_member ON member_session (member_id, created_at, id);

-- One-time links. The hash of the token is stored, never the token.
CREATE TABLE member_ticket (
  token_hash TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('setup', 'sign_in', 'password')),
  member_id TEXT COLLATE "C" REFERENCES member (id) ON DELETE CASCADE,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT
);
CREATE INDEX member_ticket_expires ON member_ticket (expires_at);
CREATE INDEX member_ticket_member ON member_ticket (member_id);

-- Failed sign-ins, by a keyed hash of account and address: neither can be read from it.
CREATE TABLE sign_in_attempt (
  subject TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  failures BIGINT NOT NULL,
  wait_micros BIGINT NOT NULL,
  blocked_until BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX sign_in_attempt_updated ON sign_in_attempt (updated_at);
