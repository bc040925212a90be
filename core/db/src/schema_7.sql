-- Search over shown texts and names of files. The index has no texts of its own; triggers keep it in step with
-- messages.
ALTER TABLE messages ADD COLUMN names TEXT NOT NULL DEFAULT '';
CREATE VIRTUAL TABLE search USING fts5(text, content='', columnsize=0, prefix='2 3', tokenize='unicode61 remove_diacritics 2');
-- Words of a deleted text leave the index at once, not at the next merge.
INSERT INTO search(search, rank) VALUES('secure-delete', 1);
-- Messages from this row on are in the index; older ones enter it when the device is idle.
CREATE TABLE search_from(n INTEGER NOT NULL) STRICT;
INSERT INTO search_from SELECT coalesce(max(rowid), 0)+1 FROM messages;
CREATE TRIGGER search_came AFTER INSERT ON messages
  WHEN new.text IS NOT NULL AND new.rowid>=(SELECT n FROM search_from)
BEGIN
  INSERT INTO search(rowid, text) VALUES(new.rowid, spaced(new.text||char(10)||new.names));
END;
CREATE TRIGGER search_changed AFTER UPDATE OF text, names ON messages
  WHEN (new.text IS NOT old.text OR new.names<>old.names) AND new.rowid>=(SELECT n FROM search_from)
BEGIN
  INSERT INTO search(search, rowid, text) SELECT 'delete', old.rowid, spaced(old.text||char(10)||old.names)
    WHERE old.text IS NOT NULL;
  INSERT INTO search(rowid, text) SELECT new.rowid, spaced(new.text||char(10)||new.names) WHERE new.text IS NOT NULL;
END;
CREATE TRIGGER search_went AFTER DELETE ON messages
  WHEN old.text IS NOT NULL AND old.rowid>=(SELECT n FROM search_from)
BEGIN
  INSERT INTO search(search, rowid, text) VALUES('delete', old.rowid, spaced(old.text||char(10)||old.names));
END;
