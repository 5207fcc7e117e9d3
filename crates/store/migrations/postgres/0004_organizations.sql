-- An account names its organization as text: it may be one of these or an id of the developer's own.
CREATE TABLE organization (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  environment_id TEXT COLLATE "C" NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
  display_name TEXT COLLATE "C" NOT NULL,
  region TEXT COLLATE "C" NOT NULL,
  external_id TEXT COLLATE "C",
  slug TEXT COLLATE "C",
  logo_url TEXT COLLATE "C",
  metadata TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX organization_created ON organization (environment_id, created_at, id);
CREATE UNIQUE INDEX organization_external ON organization (environment_id, external_id)
  WHERE external_id IS NOT NULL;
CREATE UNIQUE INDEX organization_slug ON organization (environment_id, slug) WHERE slug IS NOT NULL;

-- Values of a connection's context that hold for the accounts of one organization.
CREATE TABLE connection_context (
  connection_id TEXT COLLATE "C" NOT NULL REFERENCES connection (id) ON DELETE CASCADE,
  organization_id TEXT COLLATE "C" NOT NULL,
  context TEXT COLLATE "C" NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (connection_id, organization_id)
);

-- At most one account of a connection holds the credential of all.
CREATE UNIQUE INDEX account_org_wide ON account (connection_id) WHERE org_wide;
CREATE INDEX account_organization ON account (environment_id, organization_id, created_at, id)
  WHERE organization_id <> '';
