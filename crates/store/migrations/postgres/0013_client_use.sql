-- Where an API client and each of its secrets was last used from, so that deleting one can say it.
ALTER TABLE api_client ADD COLUMN last_used_address TEXT COLLATE "C";
ALTER TABLE api_client_secret ADD COLUMN last_used_address TEXT COLLATE "C";
