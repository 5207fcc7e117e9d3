-- How the hosted pages of an environment look and what they say; its row is made by the first change.
CREATE TABLE brand (
  environment_id TEXT NOT NULL PRIMARY KEY REFERENCES environment (id) ON DELETE CASCADE,
  version INTEGER NOT NULL,
  settings TEXT NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

-- Cleaned logos: SVG as it is, PNG as base64. They are asked for by the hash of their bytes.
CREATE TABLE brand_logo (
  environment_id TEXT NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
  variant TEXT NOT NULL CHECK (variant IN ('light', 'dark')),
  kind TEXT NOT NULL CHECK (kind IN ('svg', 'png')),
  hash TEXT NOT NULL,
  content TEXT NOT NULL,
  PRIMARY KEY (environment_id, variant)
) STRICT;
CREATE INDEX brand_logo_hash ON brand_logo (hash);

-- Where the pages of a link lead back to.
ALTER TABLE flow ADD COLUMN return_url TEXT;
