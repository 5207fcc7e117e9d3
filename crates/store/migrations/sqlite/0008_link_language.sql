-- The language of the pages behind a link, where its maker named one.
ALTER TABLE flow ADD COLUMN locale TEXT;
