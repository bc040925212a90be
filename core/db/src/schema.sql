CREATE TABLE kv(key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE invites(secret BLOB PRIMARY KEY, prekey_id BLOB NOT NULL, created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL, uses_left INTEGER NOT NULL, closed_ms INTEGER, next_card_ms INTEGER NOT NULL) STRICT;
CREATE TABLE prekeys(id BLOB PRIMARY KEY, private BLOB NOT NULL, kind INTEGER NOT NULL, secret BLOB, chat BLOB,
  delete_ms INTEGER) STRICT;
CREATE INDEX prekeys_chat ON prekeys(chat) WHERE chat IS NOT NULL;
CREATE TABLE secrets(secret BLOB PRIMARY KEY, kind INTEGER NOT NULL, until_ms INTEGER, created_ms INTEGER NOT NULL) STRICT;

CREATE TABLE contacts(chat BLOB PRIMARY KEY, conversation BLOB NOT NULL UNIQUE, state INTEGER NOT NULL, name TEXT NOT NULL,
  home BLOB, contacts_secret BLOB, reset_pair BLOB, device BLOB, record BLOB, list_version INTEGER NOT NULL,
  invite_secret BLOB, request_text TEXT, verified INTEGER NOT NULL, devices_changed INTEGER NOT NULL, waiting TEXT,
  fetch_due_ms INTEGER, fetch_tries INTEGER NOT NULL, hello_sent INTEGER NOT NULL, start_out INTEGER NOT NULL,
  start_in INTEGER NOT NULL, created_ms INTEGER NOT NULL) STRICT;
CREATE INDEX contacts_fetch ON contacts(fetch_due_ms) WHERE fetch_due_ms IS NOT NULL;
CREATE TABLE conversations(id BLOB PRIMARY KEY, chat BLOB NOT NULL, wire INTEGER NOT NULL, lamport INTEGER NOT NULL,
  heads BLOB NOT NULL, draft TEXT NOT NULL, unread INTEGER NOT NULL, created_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL) STRICT;
CREATE INDEX conversations_last ON conversations(last_ms, id);
CREATE TABLE messages(id BLOB PRIMARY KEY, conversation BLOB NOT NULL, mine INTEGER NOT NULL, kind INTEGER NOT NULL,
  m BLOB NOT NULL, text TEXT, state INTEGER NOT NULL, reason TEXT, time_s INTEGER NOT NULL, lamport INTEGER NOT NULL,
  newer INTEGER NOT NULL, fetching INTEGER NOT NULL, read INTEGER NOT NULL, added_ms INTEGER NOT NULL) STRICT;
CREATE INDEX messages_page ON messages(conversation, lamport, time_s, id);
CREATE INDEX messages_unread ON messages(conversation, lamport) WHERE mine = 0 AND read = 0;

CREATE TABLE sessions(hash BLOB PRIMARY KEY, chat BLOB NOT NULL, device BLOB NOT NULL, snapshot BLOB NOT NULL,
  initiator INTEGER NOT NULL, start INTEGER NOT NULL, handshake BLOB NOT NULL, core BLOB, mask_secret BLOB, prekey_id BLOB,
  answered INTEGER NOT NULL, sending INTEGER NOT NULL, seq INTEGER NOT NULL, tracker BLOB NOT NULL, receipt_due_ms INTEGER,
  receipt_dirty INTEGER NOT NULL, created_ms INTEGER NOT NULL, heard_ms INTEGER NOT NULL, until_ms INTEGER) STRICT;
CREATE INDEX sessions_chat ON sessions(chat);
CREATE INDEX sessions_receipt ON sessions(receipt_due_ms) WHERE receipt_due_ms IS NOT NULL;
CREATE TABLE handshakes(handshake BLOB PRIMARY KEY, session BLOB, secret BLOB, until_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE skipped(session BLOB NOT NULL REFERENCES sessions(hash) ON DELETE CASCADE, chain INTEGER NOT NULL, n INTEGER NOT NULL,
  tag BLOB, key BLOB NOT NULL, expires_ms INTEGER NOT NULL, PRIMARY KEY(session, chain, n)) STRICT, WITHOUT ROWID;
CREATE INDEX skipped_tag ON skipped(tag) WHERE tag IS NOT NULL;
CREATE INDEX skipped_expires ON skipped(expires_ms);

CREATE TABLE outbox(id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, chat BLOB, message BLOB, m BLOB, session BLOB,
  seq INTEGER, topic TEXT NOT NULL, payload BLOB, sealed_ms INTEGER NOT NULL, attempts INTEGER NOT NULL, due_ms INTEGER NOT NULL,
  last_s INTEGER NOT NULL, check_ms INTEGER, give_up_ms INTEGER NOT NULL, created_ms INTEGER NOT NULL, group_key BLOB) STRICT;
CREATE INDEX outbox_due ON outbox(due_ms, id);
CREATE INDEX outbox_check ON outbox(check_ms) WHERE check_ms IS NOT NULL;
CREATE INDEX outbox_chat ON outbox(chat, id) WHERE chat IS NOT NULL;
CREATE INDEX outbox_message ON outbox(message) WHERE message IS NOT NULL;
CREATE INDEX outbox_session ON outbox(session, seq) WHERE session IS NOT NULL;
CREATE INDEX outbox_group ON outbox(group_key) WHERE group_key IS NOT NULL;
CREATE TABLE attempts(outbox INTEGER NOT NULL REFERENCES outbox(id) ON DELETE CASCADE, hash BLOB NOT NULL, node INTEGER NOT NULL,
  ts_s INTEGER NOT NULL, PRIMARY KEY(outbox, hash)) STRICT, WITHOUT ROWID;

CREATE TABLE seen(payload BLOB PRIMARY KEY, session BLOB, ts_s INTEGER NOT NULL, until_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX seen_until ON seen(until_ms);
CREATE TABLE waiting(payload_hash BLOB PRIMARY KEY, tag BLOB NOT NULL, payload BLOB NOT NULL, ts_s INTEGER NOT NULL,
  added_ms INTEGER NOT NULL, newer INTEGER NOT NULL) STRICT;
CREATE INDEX waiting_added ON waiting(added_ms);
CREATE TABLE holes(conversation BLOB NOT NULL, prefix BLOB NOT NULL, around_s INTEGER NOT NULL, stage INTEGER NOT NULL,
  due_ms INTEGER NOT NULL, PRIMARY KEY(conversation, prefix)) STRICT, WITHOUT ROWID;
CREATE INDEX holes_due ON holes(due_ms);
CREATE TABLE fetches(message BLOB PRIMARY KEY, conversation BLOB NOT NULL, kind INTEGER NOT NULL, pointer BLOB NOT NULL,
  session BLOB NOT NULL, seq INTEGER NOT NULL, tries INTEGER NOT NULL, due_ms INTEGER NOT NULL, since_s INTEGER NOT NULL) STRICT;
CREATE INDEX fetches_due ON fetches(due_ms);
CREATE TABLE chunks(message BLOB NOT NULL REFERENCES fetches(message) ON DELETE CASCADE, i INTEGER NOT NULL, bytes BLOB NOT NULL,
  PRIMARY KEY(message, i)) STRICT;
