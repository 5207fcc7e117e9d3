-- A page on which one user chooses services or sees their connections (docs/adr/0017). The hash of its token is stored,
-- never the token.
CREATE TABLE user_page (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  environment_id TEXT COLLATE "C" NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
  token_hash TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('choose', 'manage')),
  identifier TEXT COLLATE "C" NOT NULL,
  organization_id TEXT COLLATE "C" NOT NULL,
  user_id TEXT COLLATE "C" NOT NULL,
  connections TEXT COLLATE "C" NOT NULL,
  user_verify_url TEXT COLLATE "C",
  app_state TEXT COLLATE "C",
  return_url TEXT COLLATE "C",
  locale TEXT COLLATE "C",
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX user_page_token ON user_page (token_hash);
CREATE INDEX user_page_expires ON user_page (expires_at);
CREATE INDEX user_page_person ON user_page (environment_id, identifier);

-- Since when an account is in use without a break. What connected before this migration does not know.
ALTER TABLE account ADD COLUMN connected_at BIGINT;
