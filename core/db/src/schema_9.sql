-- Groups. An item without an account is for a group; its parcel is sealed for all of it.
CREATE TABLE items_9(parcel INTEGER PRIMARY KEY, chat BLOB, device BLOB, message BLOB, m BLOB NOT NULL, session BLOB,
  seq INTEGER, after BLOB) STRICT;
INSERT INTO items_9 SELECT parcel, chat, device, message, m, session, seq, after FROM items;
DROP TABLE items;
ALTER TABLE items_9 RENAME TO items;
CREATE INDEX items_session ON items(session, seq) WHERE session IS NOT NULL;
CREATE INDEX items_message ON items(message) WHERE message IS NOT NULL;
CREATE INDEX items_chat ON items(chat, parcel);
-- A group that this device is in, was in, or is invited to. `id` is also its conversation.
CREATE TABLE groups(id BLOB PRIMARY KEY NOT NULL, state INTEGER NOT NULL, inviter BLOB, name TEXT NOT NULL,
  members INTEGER NOT NULL, root BLOB NOT NULL, mask BLOB NOT NULL, bucket BLOB NOT NULL, leaf BLOB NOT NULL,
  leaf_bytes BLOB NOT NULL, keys BLOB NOT NULL, boxes INTEGER NOT NULL, welcome BLOB, named BLOB NOT NULL, epoch BLOB,
  since_s INTEGER NOT NULL, say_ms INTEGER NOT NULL, said INTEGER NOT NULL, rekey_ms INTEGER NOT NULL,
  ask_ms INTEGER NOT NULL, asked INTEGER NOT NULL, past_ms INTEGER NOT NULL,
  ack_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
-- Entries of logs in the order of arrival, so that parents come first.
CREATE TABLE group_entries(grp BLOB NOT NULL, n INTEGER NOT NULL, id BLOB NOT NULL, bytes BLOB NOT NULL,
  PRIMARY KEY(grp, n)) STRICT, WITHOUT ROWID;
-- What is known of each leaf beside its entry. pair_out: our key to it; pair_in: its key to us.
CREATE TABLE group_leaves(grp BLOB NOT NULL, leaf BLOB NOT NULL, exchange BLOB NOT NULL, ek BLOB, pair_out BLOB,
  pair_in BLOB, proved INTEGER NOT NULL, seen_ms INTEGER NOT NULL, acked_epoch BLOB, acked INTEGER NOT NULL,
  heads BLOB NOT NULL, bound INTEGER NOT NULL, PRIMARY KEY(grp, leaf)) STRICT, WITHOUT ROWID;
-- Own private X25519 keys, the newest last.
CREATE TABLE group_exchange(grp BLOB NOT NULL, n INTEGER NOT NULL, secret BLOB NOT NULL, until_ms INTEGER NOT NULL,
  PRIMARY KEY(grp, n)) STRICT, WITHOUT ROWID;
-- Pair keys of boxes that were passed by.
CREATE TABLE group_passed(grp BLOB NOT NULL, leaf BLOB NOT NULL, k INTEGER NOT NULL, pair BLOB NOT NULL,
  until_ms INTEGER NOT NULL, PRIMARY KEY(grp, leaf, k)) STRICT, WITHOUT ROWID;
-- Epochs whose chains are here. secret_key: the own epoch key, once this device wrote in it.
CREATE TABLE group_epochs(grp BLOB NOT NULL, epoch BLOB NOT NULL, secret_key BLOB, made_ms INTEGER NOT NULL,
  until_ms INTEGER NOT NULL, left_ms INTEGER NOT NULL, over INTEGER NOT NULL, PRIMARY KEY(grp, epoch)) STRICT, WITHOUT ROWID;
-- Chains at the next expected message. run: the hash over all messages before `whole`, up to which none is missing.
CREATE TABLE group_chains(grp BLOB NOT NULL, epoch BLOB NOT NULL, leaf BLOB NOT NULL, chain BLOB NOT NULL,
  key BLOB, opening BLOB NOT NULL, run BLOB NOT NULL, whole INTEGER NOT NULL, active_ms INTEGER NOT NULL,
  hole_ms INTEGER NOT NULL, holes INTEGER NOT NULL, ends INTEGER, end_run BLOB, PRIMARY KEY(grp, epoch, leaf)) STRICT, WITHOUT ROWID;
CREATE INDEX group_chains_hole ON group_chains(hole_ms);
CREATE TABLE group_skipped(grp BLOB NOT NULL, epoch BLOB NOT NULL, leaf BLOB NOT NULL, n INTEGER NOT NULL,
  tag BLOB NOT NULL, key BLOB NOT NULL, until_ms INTEGER NOT NULL, PRIMARY KEY(grp, epoch, leaf, n)) STRICT, WITHOUT ROWID;
CREATE INDEX group_skipped_tag ON group_skipped(tag);
-- Messages as their authors signed them, to be given to who lacks them. message: the shown one.
CREATE TABLE group_copies(grp BLOB NOT NULL, epoch BLOB NOT NULL, leaf BLOB NOT NULL, n INTEGER NOT NULL,
  run BLOB NOT NULL, signature BLOB NOT NULL, opening BLOB NOT NULL, inner BLOB NOT NULL, message BLOB,
  until_ms INTEGER NOT NULL, given_ms INTEGER NOT NULL, asked_ms INTEGER NOT NULL, PRIMARY KEY(grp, epoch, leaf, n)) STRICT, WITHOUT ROWID;
CREATE INDEX group_copies_message ON group_copies(message) WHERE message IS NOT NULL;
CREATE INDEX group_copies_until ON group_copies(until_ms);
-- Parts of boxes, opened or not: anybody may ask for them.
CREATE TABLE group_parts(grp BLOB NOT NULL, epoch BLOB NOT NULL, part INTEGER NOT NULL, bytes BLOB NOT NULL,
  until_ms INTEGER NOT NULL, given_ms INTEGER NOT NULL, PRIMARY KEY(grp, epoch, part)) STRICT, WITHOUT ROWID;
-- Own epoch keys that are to be published, so that anybody could have written what they signed.
CREATE TABLE group_old_keys(grp BLOB NOT NULL, epoch BLOB NOT NULL, key BLOB NOT NULL, due_ms INTEGER NOT NULL,
  PRIMARY KEY(grp, epoch)) STRICT, WITHOUT ROWID;
-- Whom this device invited, and the handover that leaves for them.
-- place: in place of a message, for the file of the handover.
CREATE TABLE group_invites(grp BLOB NOT NULL, chat BLOB NOT NULL, at_ms INTEGER NOT NULL, place BLOB NOT NULL,
  handover BLOB, PRIMARY KEY(grp, chat)) STRICT, WITHOUT ROWID;
CREATE INDEX group_invites_place ON group_invites(place);
