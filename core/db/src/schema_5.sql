-- Nicknames, and marks of conversations; for this device only.
ALTER TABLE persons ADD COLUMN nickname TEXT;
ALTER TABLE conversations ADD COLUMN listed INTEGER NOT NULL DEFAULT 1;
ALTER TABLE conversations ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN archived INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN muted_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN marked INTEGER NOT NULL DEFAULT 0;
-- Order of lists: pinned conversations first.
DROP INDEX conversations_last;
CREATE INDEX conversations_list ON conversations(pinned, last_ms, id);
