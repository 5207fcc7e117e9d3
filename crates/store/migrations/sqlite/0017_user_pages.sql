-- A page on which one user chooses services or sees their connections (docs/adr/0017). The hash of its token is stored,
-- never the token.
CREATE TABLE user_page (
  id TEXT NOT NULL PRIMARY KEY,
  environment_id TEXT NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
  token_hash TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('choose', 'manage')),
  identifier TEXT NOT NULL,
  organization_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  connections TEXT NOT NULL,
  user_verify_url TEXT,
  app_state TEXT,
  return_url TEXT,
  locale TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX user_page_token ON user_page (token_hash);
CREATE INDEX user_page_expires ON user_page (expires_at);
CREATE INDEX user_page_person ON user_page (environment_id, identifier);

-- Since when an account is in use without a break. What connected before this migration does not know.
ALTER TABLE account ADD COLUMN connected_at INTEGER;
