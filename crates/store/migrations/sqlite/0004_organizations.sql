-- An account names its organization as text: it may be one of these or an id of the developer's own.
CREATE TABLE organization (
  id TEXT NOT NULL PRIMARY KEY,
  environment_id TEXT NOT NULL REFERENCES environment (id) ON DELETE CASCADE,
  display_name TEXT NOT NULL,
  region TEXT NOT NULL,
  external_id TEXT,
  slug TEXT,
  logo_url TEXT,
  metadata TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX organization_created ON organization (environment_id, created_at, id);
CREATE UNIQUE INDEX organization_external ON organization (environment_id, external_id)
  WHERE external_id IS NOT NULL;
CREATE UNIQUE INDEX organization_slug ON organization (environment_id, slug) WHERE slug IS NOT NULL;

-- Values of a connection's context that hold for the accounts of one organization.
CREATE TABLE connection_context (
  connection_id TEXT NOT NULL REFERENCES connection (id) ON DELETE CASCADE,
  organization_id TEXT NOT NULL,
  context TEXT NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (connection_id, organization_id)
) STRICT;

-- At most one account of a connection holds the credential of all.
CREATE UNIQUE INDEX account_org_wide ON account (connection_id) WHERE org_wide = 1;
CREATE INDEX account_organization ON account (environment_id, organization_id, created_at, id)
  WHERE organization_id <> '';
