-- Files. A content lies sealed under its own key in a file of this name; without a hash it is not whole.
CREATE TABLE contents(name BLOB PRIMARY KEY NOT NULL, key BLOB NOT NULL, size INTEGER NOT NULL, sha256 BLOB UNIQUE)
  STRICT, WITHOUT ROWID;
-- What a pointer names: one upload, and how far its transfer is.
-- Role 1: the body of one message, as long as something waits for it; 2: the picture of one account.
CREATE TABLE files(id BLOB PRIMARY KEY NOT NULL, pointer BLOB NOT NULL, role INTEGER NOT NULL, content BLOB,
  state INTEGER NOT NULL, sent INTEGER NOT NULL, have BLOB NOT NULL, manifest BLOB, tries INTEGER NOT NULL, due_ms INTEGER NOT NULL,
  since_s INTEGER NOT NULL, from_ns INTEGER NOT NULL, until_s INTEGER NOT NULL, reason TEXT, asked_ms INTEGER NOT NULL,
  doubted INTEGER NOT NULL, answers INTEGER NOT NULL, answered_ms INTEGER NOT NULL, auto INTEGER NOT NULL,
  preview_size INTEGER NOT NULL, preview BLOB, preview_tries INTEGER NOT NULL, preview_due_ms INTEGER NOT NULL) STRICT;
CREATE UNIQUE INDEX files_pointer ON files(pointer) WHERE role=0;
CREATE INDEX files_due ON files(state, due_ms);
CREATE INDEX files_auto ON files(state) WHERE auto=1;
CREATE INDEX files_preview ON files(preview_due_ms);
CREATE INDEX files_content ON files(content);
-- Which message has which files. Its body has place 255, and, if it is received, the counter whose receipt waits for it.
CREATE TABLE attachments(message BLOB NOT NULL, i INTEGER NOT NULL, file BLOB NOT NULL, conversation BLOB NOT NULL,
  kind INTEGER NOT NULL, lamport INTEGER NOT NULL, time_s INTEGER NOT NULL, session BLOB, seq INTEGER,
  PRIMARY KEY(message, i)) STRICT, WITHOUT ROWID;
CREATE INDEX attachments_file ON attachments(file);
-- With all that a page of messages shows, so that it reads neighbours.
CREATE INDEX attachments_page ON attachments(conversation, lamport, time_s, message, i, file, kind);
CREATE INDEX attachments_body ON attachments(conversation) WHERE i=255;
-- Long texts take the path of files. Chunks that are here are fetched again; own ones are sealed again.
ALTER TABLE fetches ADD COLUMN file BLOB;
UPDATE fetches SET file=randomblob(16);
DELETE FROM fetches WHERE message NOT IN (SELECT id FROM messages);
INSERT INTO files SELECT file, pointer, 1, NULL, iif(due_ms=9223372036854775807, 0, 1), 1, x'', NULL, 0, due_ms,
  max(since_s, 1), 0, since_s+172800, NULL, 0, 0, 0, 0, 0, 0, NULL, 0, 9223372036854775807 FROM fetches ORDER BY rowid;
INSERT INTO attachments SELECT message, 255, file, f.conversation, 0, m.lamport, m.time_s, f.session, f.seq
  FROM fetches f JOIN messages m ON m.id=f.message;
DROP TABLE chunks;
DROP TABLE fetches;
DELETE FROM parcels WHERE class=3;
