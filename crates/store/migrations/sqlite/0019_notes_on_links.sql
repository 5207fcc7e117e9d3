-- What its maker noted about a link, for the developer's own eyes.
ALTER TABLE flow ADD COLUMN note TEXT;
ALTER TABLE user_page ADD COLUMN note TEXT;
