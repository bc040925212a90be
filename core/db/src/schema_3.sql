CREATE TABLE devices(chat BLOB NOT NULL, device BLOB NOT NULL, identity BLOB NOT NULL, signing BLOB NOT NULL, start_in INTEGER NOT NULL,
  seen_ms INTEGER NOT NULL, PRIMARY KEY(chat, device)) STRICT, WITHOUT ROWID;
INSERT INTO devices SELECT chat, device, substr(record, 33, 32), substr(record, 65, 32), start_in, created_ms FROM contacts
  WHERE record IS NOT NULL AND device IS NOT NULL;
