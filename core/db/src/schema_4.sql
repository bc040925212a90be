-- Persons, devices, sessions and conversations get tables of their own; one room writes each table.

-- End of the coverage of each topic; '': every topic without a row.
CREATE TABLE coverage(topic TEXT PRIMARY KEY, until_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
WITH RECURSIVE d(i, n) AS (SELECT 0, 0 UNION ALL
  SELECT i+1, n*16 + instr('0123456789ABCDEF', substr(hex(value), i+1, 1)) - 1 FROM d, kv WHERE key='covered_ms' AND i<16)
  INSERT INTO coverage SELECT '', n FROM d WHERE i=16;
DELETE FROM kv WHERE key='covered_ms';
ALTER TABLE waiting ADD COLUMN topic TEXT NOT NULL DEFAULT '';

-- Envelopes to publish, and when. Items say what they carry.
ALTER TABLE attempts RENAME TO attempts_3;
CREATE TABLE parcels(id INTEGER PRIMARY KEY AUTOINCREMENT, class INTEGER NOT NULL, party BLOB, batch BLOB, topic TEXT NOT NULL,
  payload BLOB, sealed_ms INTEGER NOT NULL, attempts INTEGER NOT NULL, due_ms INTEGER NOT NULL, last_s INTEGER NOT NULL,
  check_ms INTEGER, give_up_ms INTEGER NOT NULL) STRICT;
INSERT INTO parcels SELECT id, kind, chat, iif(kind=0, NULL, group_key), topic, payload, sealed_ms, attempts, due_ms, last_s,
  check_ms, give_up_ms FROM outbox;
DELETE FROM sqlite_sequence WHERE name='parcels';
INSERT INTO sqlite_sequence SELECT 'parcels', seq FROM sqlite_sequence WHERE name='outbox';
CREATE TABLE items(parcel INTEGER PRIMARY KEY, chat BLOB NOT NULL, device BLOB, message BLOB, m BLOB NOT NULL, session BLOB,
  seq INTEGER, after BLOB) STRICT;
INSERT INTO items SELECT id, chat, (SELECT device FROM sessions s WHERE s.hash=o.session), message, m, session, seq, group_key
  FROM outbox o WHERE kind=0 AND chat IS NOT NULL AND m IS NOT NULL;
CREATE TABLE attempts(parcel INTEGER NOT NULL REFERENCES parcels(id) ON DELETE CASCADE, hash BLOB NOT NULL, node INTEGER NOT NULL,
  ts_s INTEGER NOT NULL, PRIMARY KEY(parcel, hash)) STRICT, WITHOUT ROWID;
INSERT INTO attempts SELECT * FROM attempts_3;
DROP TABLE attempts_3;
DROP TABLE outbox;
CREATE INDEX parcels_due ON parcels(due_ms, id);
CREATE INDEX parcels_check ON parcels(check_ms) WHERE check_ms IS NOT NULL;
CREATE INDEX parcels_batch ON parcels(batch) WHERE batch IS NOT NULL;
CREATE INDEX parcels_party ON parcels(party) WHERE party IS NOT NULL;
CREATE INDEX items_session ON items(session, seq) WHERE session IS NOT NULL;
CREATE INDEX items_message ON items(message) WHERE message IS NOT NULL;
CREATE INDEX items_chat ON items(chat, parcel);

-- Where an account is reached. `reach`: 0 nothing may be sent to it, 1 messages without receipts, 2 everything.
CREATE TABLE peers(chat BLOB PRIMARY KEY, home BLOB, reach INTEGER NOT NULL, list_version INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO peers SELECT chat, home, CASE state WHEN 2 THEN 2 WHEN 0 THEN 1 ELSE 0 END, list_version FROM contacts;

-- Devices: 0 seen, 1 confirmed, 2 held until the person accepts it. Confirmed and held devices have a record.
ALTER TABLE devices RENAME TO devices_3;
CREATE TABLE devices(chat BLOB NOT NULL, device BLOB NOT NULL, identity BLOB NOT NULL, signing BLOB NOT NULL,
  standing INTEGER NOT NULL, record BLOB, reset_pair BLOB, session BLOB, start_in INTEGER NOT NULL, start_out INTEGER NOT NULL,
  seen_ms INTEGER NOT NULL, PRIMARY KEY(chat, device)) STRICT, WITHOUT ROWID;
INSERT INTO devices SELECT chat, device, identity, signing, 0, NULL, NULL, NULL, start_in, 0, seen_ms FROM devices_3;
DROP TABLE devices_3;
INSERT OR IGNORE INTO devices SELECT chat, device, substr(record, 33, 32), substr(record, 65, 32), 1, record, NULL, NULL, 0, 0,
  created_ms FROM contacts WHERE device IS NOT NULL AND length(record)=185;
INSERT OR IGNORE INTO devices SELECT chat, substr(other_record, 17, 16), substr(other_record, 33, 32), substr(other_record, 65, 32),
  2, other_record, NULL, NULL, 0, 0, created_ms FROM contacts WHERE length(other_record)=185;
UPDATE devices SET standing=1, record=c.record, start_out=c.start_out FROM contacts c
  WHERE c.chat=devices.chat AND c.device=devices.device AND c.record IS NOT NULL;
UPDATE devices SET standing=2, record=c.other_record FROM contacts c
  WHERE c.chat=devices.chat AND substr(c.other_record, 17, 16)=devices.device AND standing<>1;
UPDATE devices SET reset_pair=substr(c.reset_pair, 1, 1224) FROM contacts c
  WHERE c.chat=devices.chat AND length(c.reset_pair)=1240 AND substr(c.reset_pair, 1225)=devices.device;
UPDATE devices SET session=s.hash FROM sessions s WHERE s.chat=devices.chat AND s.device=devices.device AND s.sending=1;

-- Counters and receipts of a session.
CREATE TABLE links(session BLOB PRIMARY KEY, chat BLOB NOT NULL, seq INTEGER NOT NULL, tracker BLOB NOT NULL,
  floor INTEGER NOT NULL, due_ms INTEGER, dirty INTEGER NOT NULL, heard_ms INTEGER NOT NULL, gap_from INTEGER NOT NULL,
  gap_to INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO links SELECT hash, chat, seq, tracker, floor, receipt_due_ms, receipt_dirty, heard_ms, gap_from, gap_to FROM sessions;
CREATE INDEX links_due ON links(due_ms) WHERE due_ms IS NOT NULL;
CREATE INDEX links_chat ON links(chat);
DROP INDEX sessions_receipt;
ALTER TABLE sessions DROP COLUMN sending;
ALTER TABLE sessions DROP COLUMN seq;
ALTER TABLE sessions DROP COLUMN tracker;
ALTER TABLE sessions DROP COLUMN floor;
ALTER TABLE sessions DROP COLUMN receipt_due_ms;
ALTER TABLE sessions DROP COLUMN receipt_dirty;
ALTER TABLE sessions DROP COLUMN heard_ms;
ALTER TABLE sessions DROP COLUMN gap_from;
ALTER TABLE sessions DROP COLUMN gap_to;

-- Without an author the message is an own one.
DROP INDEX messages_unread;
ALTER TABLE messages ADD COLUMN author BLOB;
UPDATE messages SET author=coalesce((SELECT chat FROM conversations v WHERE v.id=messages.conversation), zeroblob(33)) WHERE mine=0;
ALTER TABLE messages DROP COLUMN mine;
CREATE INDEX messages_unread ON messages(conversation, lamport) WHERE author IS NOT NULL AND read=0;

-- Conversations: kind 0 is between two accounts. Standing: 0 open, 1 asked, 2 pending, 3 closed, 4 blocked.
DROP INDEX conversations_last;
ALTER TABLE conversations RENAME TO conversations_3;
CREATE TABLE conversations(id BLOB PRIMARY KEY, kind INTEGER NOT NULL, peer BLOB UNIQUE, standing INTEGER NOT NULL,
  lamport INTEGER NOT NULL, heads BLOB NOT NULL, draft TEXT NOT NULL, unread INTEGER NOT NULL, created_ms INTEGER NOT NULL,
  last_ms INTEGER NOT NULL, arrived_ms INTEGER NOT NULL,
  gone_ms INTEGER NOT NULL) STRICT;
INSERT INTO conversations SELECT v.id, 0, v.chat, CASE c.state WHEN 2 THEN 0 WHEN 0 THEN 1 WHEN 1 THEN 2 WHEN 4 THEN 4 ELSE 3 END,
  lamport, heads, draft, unread, v.created_ms, last_ms, arrived_ms, coalesce(gone_ms, 0) FROM conversations_3 v LEFT JOIN contacts c ON c.chat=v.chat;
DROP TABLE conversations_3;
CREATE INDEX conversations_last ON conversations(last_ms, id);

CREATE TABLE persons(chat BLOB PRIMARY KEY, state INTEGER NOT NULL, name TEXT NOT NULL, contacts_secret BLOB, invite_secret BLOB,
  request_text TEXT, verified INTEGER NOT NULL, devices_changed INTEGER NOT NULL, waiting TEXT, cards_due_ms INTEGER,
  cards_tries INTEGER NOT NULL, hello_sent INTEGER NOT NULL, unblocked_state INTEGER NOT NULL, created_ms INTEGER NOT NULL) STRICT;
INSERT INTO persons SELECT chat, state, name, contacts_secret, invite_secret, request_text, verified, devices_changed, waiting,
  fetch_due_ms, fetch_tries, hello_sent, unblocked_state, created_ms FROM contacts;
DROP TABLE contacts;
CREATE INDEX persons_cards ON persons(cards_due_ms) WHERE cards_due_ms IS NOT NULL;
