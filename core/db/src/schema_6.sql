-- What people do with messages: edits, reactions, pins, votes, timers; posts that disappear.
ALTER TABLE messages ADD COLUMN body BLOB;
ALTER TABLE messages ADD COLUMN edited INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN deleted_by BLOB;
ALTER TABLE messages ADD COLUMN expire_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN expires_ms INTEGER;
CREATE INDEX messages_expires ON messages(expires_ms) WHERE expires_ms IS NOT NULL;
CREATE INDEX messages_newer ON messages(kind) WHERE newer=1;
-- Pages skip emptied messages: of those that disappear, a conversation holds far more than it shows.
DROP INDEX messages_page;
CREATE INDEX messages_page ON messages(conversation, (state=7), lamport, time_s, id);
-- Of an accepted request only its message holds the text.
UPDATE persons SET request_text=NULL WHERE state=2;
ALTER TABLE conversations ADD COLUMN timer_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN draft_reply BLOB;
-- What counts for a message: one row an author and key. Key: an edit's id, an emoji, else empty.
CREATE TABLE annotations(target BLOB NOT NULL, kind INTEGER NOT NULL, author BLOB NOT NULL, key BLOB NOT NULL,
  conversation BLOB NOT NULL, value BLOB NOT NULL, lamport INTEGER NOT NULL, time_s INTEGER NOT NULL, id BLOB NOT NULL,
  PRIMARY KEY(target, kind, author, key)) STRICT, WITHOUT ROWID;
CREATE INDEX annotations_conversation ON annotations(conversation, kind, lamport, time_s, id);
-- Effects that came before their target.
CREATE TABLE early(target BLOB NOT NULL, id BLOB NOT NULL, conversation BLOB NOT NULL, author BLOB NOT NULL,
  kind INTEGER NOT NULL, body BLOB NOT NULL, lamport INTEGER NOT NULL, time_s INTEGER NOT NULL, added_ms INTEGER NOT NULL,
  PRIMARY KEY(target, kind, author, id)) STRICT, WITHOUT ROWID;
CREATE INDEX early_conversation ON early(conversation, added_ms);
CREATE INDEX early_added ON early(added_ms);
