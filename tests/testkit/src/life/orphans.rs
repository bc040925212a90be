//! Rows that refer to missing rows. No foreign key crosses the rooms of the engine, so the database does not check
//! these.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::Value;

use crate::phone::KEY;

/// Each entry is a query, without its `SELECT … FROM`, that finds rows which must not exist.
pub const ORPHANS: &[&str] = &[
    // A row of one room belongs to a row of the room beneath.
    "items i WHERE NOT EXISTS (SELECT 1 FROM parcels WHERE id=i.parcel AND class=0)",
    "parcels p WHERE class=0 AND NOT EXISTS (SELECT 1 FROM items WHERE parcel=p.id)",
    "items i JOIN parcels p ON p.id=i.parcel WHERE p.party IS NOT i.chat",
    "items i WHERE message IS NOT NULL AND NOT EXISTS (SELECT 1 FROM messages WHERE id=i.message AND author IS NULL)",
    "items i WHERE session IS NOT NULL AND NOT EXISTS (SELECT 1 FROM links WHERE session=i.session AND chat=i.chat)",
    "items i WHERE NOT EXISTS (SELECT 1 FROM peers WHERE chat=i.chat)",
    "links l WHERE NOT EXISTS (SELECT 1 FROM sessions WHERE hash=l.session AND chat=l.chat)",
    "sessions s WHERE NOT EXISTS (SELECT 1 FROM links WHERE session=s.hash)",
    "sessions s WHERE NOT EXISTS (SELECT 1 FROM peers WHERE chat=s.chat)",
    "devices d WHERE NOT EXISTS (SELECT 1 FROM peers WHERE chat=d.chat)",
    "devices d WHERE session IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM sessions WHERE hash=d.session AND chat=d.chat AND device=d.device)",
    "devices WHERE standing=0 AND record IS NOT NULL",
    "devices WHERE standing=1 GROUP BY chat HAVING count(*)>1",
    // References to accounts.
    "persons p WHERE NOT EXISTS (SELECT 1 FROM peers WHERE chat=p.chat)",
    "peers p WHERE NOT EXISTS (SELECT 1 FROM persons WHERE chat=p.chat)",
    "persons p WHERE NOT EXISTS (SELECT 1 FROM conversations WHERE peer=p.chat)",
    "conversations c WHERE NOT EXISTS (SELECT 1 FROM persons WHERE chat=c.peer)",
    "news n WHERE NOT EXISTS (SELECT 1 FROM persons WHERE chat=n.chat)",
    "peers JOIN persons USING (chat) WHERE reach<>CASE state WHEN 2 THEN 2 WHEN 0 THEN 1 ELSE 0 END",
    "conversations JOIN persons ON chat=peer
       WHERE standing<>CASE state WHEN 2 THEN 0 WHEN 0 THEN 1 WHEN 1 THEN 2 WHEN 4 THEN 4 ELSE 3 END",
    "prekeys k WHERE chat IS NOT NULL AND NOT EXISTS (SELECT 1 FROM peers WHERE chat=k.chat)",
    "invites i WHERE closed_ms IS NULL AND uses_left>0 AND NOT EXISTS (SELECT 1 FROM prekeys WHERE id=i.prekey_id)",
    // References to conversations.
    "messages m WHERE NOT EXISTS (SELECT 1 FROM conversations WHERE id=m.conversation)",
    "messages m WHERE author IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM conversations WHERE id=m.conversation AND peer=m.author)",
    "holes h WHERE NOT EXISTS (SELECT 1 FROM conversations WHERE id=h.conversation)",
    "arrivals a WHERE NOT EXISTS (SELECT 1 FROM messages WHERE id=a.message AND author IS NOT NULL AND fetching=0)",
    "arrivals a WHERE answer IS NOT NULL AND NOT EXISTS (SELECT 1 FROM messages WHERE id=a.answer AND author IS NULL)",
    "conversations c WHERE unread<>
       (SELECT count(*) FROM messages WHERE conversation=c.id AND author IS NOT NULL AND read=0)",
    "annotations a WHERE NOT EXISTS (SELECT 1 FROM conversations WHERE id=a.conversation)",
    "annotations a WHERE target<>conversation
       AND NOT EXISTS (SELECT 1 FROM messages WHERE id=a.target AND conversation=a.conversation AND state<7)",
    "early e WHERE NOT EXISTS (SELECT 1 FROM conversations WHERE id=e.conversation)",
    // Files.
    "attachments a WHERE NOT EXISTS (SELECT 1 FROM files WHERE id=a.file)",
    "attachments a WHERE conversation<>zeroblob(32) AND NOT EXISTS
       (SELECT 1 FROM messages WHERE id=a.message AND conversation=a.conversation AND state<7)",
    "files f WHERE NOT EXISTS (SELECT 1 FROM attachments WHERE file=f.id)",
    "files f WHERE content IS NOT NULL AND NOT EXISTS (SELECT 1 FROM contents WHERE name=f.content)",
    "files f JOIN attachments a ON a.file=f.id WHERE role<>iif(conversation=zeroblob(32), 2, i=255)",
    "files f WHERE role>0 AND (SELECT count(*) FROM attachments WHERE file=f.id)<>1",
    "attachments a WHERE session IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM messages WHERE id=a.message AND fetching=1)",
    "files f WHERE role<>1 AND state IN (2,3)
       AND NOT EXISTS (SELECT 1 FROM contents WHERE name=f.content AND sha256 IS NOT NULL)",
    "contents c WHERE NOT EXISTS (SELECT 1 FROM files WHERE content=c.name)",
    // Counters that tables keep themselves.
    "seen_held h WHERE payloads<>(SELECT count(*) FROM seen WHERE session=h.session)",
    "seen s WHERE session IS NOT NULL AND NOT EXISTS (SELECT 1 FROM seen_held WHERE session=s.session)",
    "skipped_held h WHERE keys<>(SELECT count(*) FROM skipped WHERE session=h.session)",
    "skipped s WHERE NOT EXISTS (SELECT 1 FROM skipped_held WHERE session=s.session)",
    "pragma_foreign_key_check",
    "pragma_integrity_check WHERE integrity_check<>'ok'",
];

/// The number of orphans for each query that finds any.
pub fn orphans(phone: &Path) -> Vec<(&'static str, usize)> {
    let conn = database(phone);
    let count = |sql: &str| {
        let mut found = conn.prepare(&format!("SELECT 1 FROM {sql}")).unwrap();
        let rows = found.query_map([], |_| Ok(())).unwrap();
        rows.map(Result::unwrap).count()
    };
    ORPHANS.iter().map(|sql| (*sql, count(sql))).filter(|(_, rows)| *rows > 0).collect()
}

/// Whether a stopped phone holds a text anywhere in its database, as text or bytes.
pub fn keeps(phone: &Path, text: &str) -> bool {
    let conn = database(phone);
    // What a virtual table has lies in tables of its own.
    let sql = "SELECT name FROM sqlite_schema WHERE type='table' AND sql NOT LIKE 'CREATE VIRTUAL%'";
    let mut tables = conn.prepare(sql).unwrap();
    let names: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    names.iter().any(|name| {
        let mut rows = conn.prepare(&format!("SELECT * FROM \"{name}\"")).unwrap();
        let columns = rows.column_count();
        let mut rows = rows.query([]).unwrap();
        let mut found = false;
        while let Some(row) = rows.next().unwrap() {
            found |= (0..columns).any(|column| match row.get(column).unwrap() {
                Value::Text(value) => value.contains(text),
                Value::Blob(value) => value.windows(text.len()).any(|part| part == text.as_bytes()),
                _ => false,
            });
        }
        found
    })
}

/// The database of a stopped phone, opened with SQLite directly.
pub fn database(phone: &Path) -> Connection {
    let conn = Connection::open(phone.join("account.db")).unwrap();
    let hex: String = KEY.iter().map(|byte| format!("{byte:02x}")).collect();
    conn.execute_batch(&format!("PRAGMA key = \"x'{hex}'\"")).unwrap();
    // Triggers call it when a test writes a message.
    let spaced = |call: &Context<'_>| {
        let text = call.get_raw(0).as_str().map_err(|error| rusqlite::Error::UserFunctionError(error.into()))?;
        Ok(sotto_db::spaced(text).into_owned())
    };
    conn.create_scalar_function("spaced", 1, FunctionFlags::SQLITE_UTF8, spaced).unwrap();
    conn
}
