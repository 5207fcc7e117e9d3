-- Whether a one-time link was made on the machine itself: such a link lets in even where the single sign-on is the only way.
ALTER TABLE member_ticket ADD COLUMN on_machine BOOLEAN NOT NULL DEFAULT FALSE;
