-- How the hosted pages of an environment look and what they say; its row is made by the first change.
CREATE TABLE brand (
  environment_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES environment (id) ON DELETE CASCADE,
  version BIGINT NOT NULL,
  settings TEXT COLLATE "C" NOT NULL,
  updated_at BIGINT NOT NULL
);

-- Cleaned logos: SVG as it is, PNG as base64. They are asked for by the hash of their bytes.
CREATE TABLE brand_logo (
  environment_id TEXT COLLATE "C" NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
  variant TEXT COLLATE "C" NOT NULL CHECK (variant IN ('light', 'dark')),
  kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('svg', 'png')),
  hash TEXT COLLATE "C" NOT NULL,
  content TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (environment_id, variant)
);
CREATE INDEX brand_logo_hash ON brand_logo (hash);

-- Where the pages of a link lead back to.
ALTER TABLE flow ADD COLUMN return_url TEXT COLLATE "C";
