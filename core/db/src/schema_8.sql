-- Files. A content lies sealed under its own key in a file of this name; without a hash it is not whole.
CREATE TABLE contents(name BLOB PRIMARY KEY NOT NULL, key BLOB NOT NULL, size INTEGER NOT NULL, sha256 BLOB UNIQUE)
  STRICT, WITHOUT ROWID;
-- What a pointer names: one upload, and how far its transfer is.
CREATE TABLE files(id BLOB PRIMARY KEY NOT NULL, pointer BLOB NOT NULL UNIQUE, content BLOB, state INTEGER NOT NULL,
  sent INTEGER NOT NULL, have BLOB NOT NULL, manifest BLOB, tries INTEGER NOT NULL, due_ms INTEGER NOT NULL,
  since_s INTEGER NOT NULL, from_ns INTEGER NOT NULL, until_s INTEGER NOT NULL, reason TEXT, asked_ms INTEGER NOT NULL,
  doubted INTEGER NOT NULL, answers INTEGER NOT NULL, answered_ms INTEGER NOT NULL, auto INTEGER NOT NULL,
  preview_size INTEGER NOT NULL, preview BLOB, preview_tries INTEGER NOT NULL, preview_due_ms INTEGER NOT NULL) STRICT;
CREATE INDEX files_due ON files(due_ms);
CREATE INDEX files_preview ON files(preview_due_ms);
CREATE INDEX files_content ON files(content);
-- Which message has which files.
CREATE TABLE attachments(message BLOB NOT NULL, i INTEGER NOT NULL, file BLOB NOT NULL, conversation BLOB NOT NULL,
  kind INTEGER NOT NULL, lamport INTEGER NOT NULL, time_s INTEGER NOT NULL, PRIMARY KEY(message, i)) STRICT, WITHOUT ROWID;
CREATE INDEX attachments_file ON attachments(file);
CREATE INDEX attachments_page ON attachments(conversation, lamport, time_s, message, i);
