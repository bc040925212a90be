CREATE TABLE devices(chat BLOB NOT NULL, device BLOB NOT NULL, identity BLOB NOT NULL, signing BLOB NOT NULL, start_in INTEGER NOT NULL,
  seen_ms INTEGER NOT NULL, PRIMARY KEY(chat, device)) STRICT, WITHOUT ROWID;
INSERT INTO devices SELECT chat, device, substr(record, 33, 32), substr(record, 65, 32), start_in, created_ms FROM contacts
  WHERE record IS NOT NULL AND device IS NOT NULL;
-- Own messages: the other side's read mark covers it, and waits for its receipt.
ALTER TABLE messages ADD COLUMN marked INTEGER NOT NULL DEFAULT 0;
-- Answers to copies of a payload. Of payloads taken before, the counter is not known: it counts as the highest.
ALTER TABLE seen ADD COLUMN seq INTEGER NOT NULL DEFAULT 4294967295;
ALTER TABLE seen ADD COLUMN answers INTEGER NOT NULL DEFAULT 0;
ALTER TABLE seen ADD COLUMN answered_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN floor INTEGER NOT NULL DEFAULT 0;
