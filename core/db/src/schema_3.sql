CREATE TABLE devices(chat BLOB NOT NULL, device BLOB NOT NULL, identity BLOB NOT NULL, signing BLOB NOT NULL, start_in INTEGER NOT NULL,
  seen_ms INTEGER NOT NULL, PRIMARY KEY(chat, device)) STRICT, WITHOUT ROWID;
INSERT INTO devices SELECT chat, device, substr(record, 33, 32), substr(record, 65, 32), start_in, created_ms FROM contacts
  WHERE record IS NOT NULL AND device IS NOT NULL;
-- Own messages: the other side's read mark covers it and waits for its receipt.
ALTER TABLE messages ADD COLUMN marked INTEGER NOT NULL DEFAULT 0;
-- Answers to copies of a payload. The counter of payloads from before is unknown and counts as the highest.
ALTER TABLE seen ADD COLUMN seq INTEGER NOT NULL DEFAULT 4294967295;
ALTER TABLE seen ADD COLUMN answers INTEGER NOT NULL DEFAULT 0;
ALTER TABLE seen ADD COLUMN answered_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN floor INTEGER NOT NULL DEFAULT 0;
-- Number of skipped keys of each session, kept by triggers.
CREATE TABLE skipped_held(session BLOB PRIMARY KEY REFERENCES sessions(hash) ON DELETE CASCADE, keys INTEGER NOT NULL)
  STRICT, WITHOUT ROWID;
INSERT INTO skipped_held SELECT session, count(*) FROM skipped GROUP BY session;
CREATE TRIGGER skipped_came AFTER INSERT ON skipped BEGIN
  INSERT INTO skipped_held SELECT new.session, 0 WHERE NOT EXISTS(SELECT 1 FROM skipped_held WHERE session=new.session);
  UPDATE skipped_held SET keys=keys+1 WHERE session=new.session;
END;
CREATE TRIGGER skipped_went AFTER DELETE ON skipped BEGIN
  UPDATE skipped_held SET keys=keys-1 WHERE session=old.session;
END;
-- When a missing message may have arrived. Holes from before have the author's time, so the author is asked.
ALTER TABLE holes RENAME COLUMN around_s TO until_s;
ALTER TABLE holes ADD COLUMN from_s INTEGER NOT NULL DEFAULT 0;
UPDATE holes SET stage=1 WHERE stage=0;
ALTER TABLE conversations ADD COLUMN arrived_ms INTEGER NOT NULL DEFAULT 0;
-- Number of remembered payloads of each session, kept by triggers; they are deleted with the session.
CREATE INDEX seen_session ON seen(session, until_ms);
CREATE TABLE seen_held(session BLOB PRIMARY KEY, payloads INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO seen_held SELECT session, count(*) FROM seen WHERE session IN (SELECT hash FROM sessions) GROUP BY session;
CREATE TRIGGER seen_came AFTER INSERT ON seen WHEN new.session IS NOT NULL BEGIN
  INSERT INTO seen_held SELECT new.session, 0 WHERE NOT EXISTS(SELECT 1 FROM seen_held WHERE session=new.session);
  UPDATE seen_held SET payloads=payloads+1 WHERE session=new.session;
END;
CREATE TRIGGER seen_went AFTER DELETE ON seen WHEN old.session IS NOT NULL BEGIN
  UPDATE seen_held SET payloads=payloads-1 WHERE session=old.session;
END;
CREATE TRIGGER sessions_went AFTER DELETE ON sessions BEGIN
  DELETE FROM seen WHERE session=old.hash;
  DELETE FROM seen_held WHERE session=old.hash;
END;
CREATE INDEX fetches_conversation ON fetches(conversation);

CREATE TABLE news(chat BLOB PRIMARY KEY, kind INTEGER NOT NULL, due_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX news_due ON news(due_ms);
-- Received messages of accepted contacts in the order in which they became whole. Numbers only rise; none is used twice.
-- `answer`: the own message that answers it. `state=2` is an accepted contact.
CREATE TABLE arrivals(n INTEGER PRIMARY KEY AUTOINCREMENT, message BLOB NOT NULL UNIQUE, answer BLOB) STRICT;
INSERT INTO arrivals(message) SELECT m.id FROM messages m JOIN contacts c ON c.conversation=m.conversation
  WHERE m.mine=0 AND m.fetching=0 AND c.state=2 ORDER BY m.added_ms, m.rowid;
ALTER TABLE sessions ADD COLUMN gap_from INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN gap_to INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN ahead INTEGER NOT NULL DEFAULT 0;
ALTER TABLE contacts DROP COLUMN start_in;
ALTER TABLE contacts ADD COLUMN other_record BLOB;
ALTER TABLE contacts ADD COLUMN unblocked_state INTEGER NOT NULL DEFAULT 3;
ALTER TABLE contacts ADD COLUMN gone_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN unconfirmed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN resent_ms INTEGER NOT NULL DEFAULT 0;
CREATE INDEX messages_resent ON messages(conversation, resent_ms) WHERE resent_ms>0;
UPDATE contacts SET invite_secret=NULL WHERE state=2;
