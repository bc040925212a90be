//! No statement of the crate reads a large table from end to end, except for those listed here.

use std::path::Path;

use crate::Account;

/// Tables that grow with the history.
const LARGE: [&str; 9] =
    ["messages", "files", "attachments", "annotations", "contents", "arrivals", "skipped", "seen", "waiting"];

/// Beginnings of statements that may: at the open, or when the person asks for sums.
const WHOLE: [&str; 5] = [
    "SELECT name FROM contents ORDER BY name",
    "SELECT sum(size) FROM contents WHERE sha256 IS NOT NULL",
    "SELECT conversation, kind, sum(size) FROM (SELECT DISTINCT a.conversation",
    "SELECT DISTINCT f.id FROM attachments a JOIN files f",
    "SELECT tag, payload_hash, length(payload) FROM waiting ORDER BY rowid",
];

/// Statements in string literals of a file that stand there whole.
fn statements(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]").next().unwrap();
    let literals = code.split('"').skip(1).step_by(2);
    let sql = literals.filter(|text| ["SELECT ", "UPDATE ", "DELETE "].iter().any(|verb| text.starts_with(verb)));
    let plain = |text: &str| text.replace("\\\n", " ").split_whitespace().collect::<Vec<_>>().join(" ");
    sql.filter(|text| !text.contains('{') && !text.ends_with(' ')).map(plain).collect()
}

fn all(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(all(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs")
            && !["tests.rs", "archive.rs", "node.rs", "plans.rs"].iter().any(|not| path.ends_with(not))
        {
            found.extend(statements(&std::fs::read_to_string(&path).unwrap()));
        }
    }
    found
}

#[test]
fn no_statement_reads_a_large_table_from_end_to_end() {
    let folder = tempfile::tempdir().unwrap();
    let account = Account::open(&folder.path().join("account.db"), &[7; 32]).unwrap();
    let (mut asked, mut whole) = (0, Vec::new());
    let reader = account.reader().unwrap();
    for sql in all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let Ok(mut plan) = reader.conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")) else {
            continue; // of another database, or a part of a statement
        };
        asked += 1;
        let mut rows = plan.raw_query();
        while let Some(row) = rows.next().unwrap() {
            let step: String = row.get("detail").unwrap();
            let table = step.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next()).unwrap_or_default();
            let named = LARGE.iter().any(|large| table == *large || sql.contains(&format!("{large} {table} ")));
            // The first or last entry of an index is found at once.
            let at_once = sql.contains(" LIMIT 1") || sql.contains("SELECT min(") || sql.contains("SELECT max(");
            if !table.is_empty() && named && !at_once {
                whole.push(sql.clone());
            }
        }
    }
    assert!(asked > 100, "{asked}");
    whole.retain(|sql| !WHOLE.iter().any(|known| sql.starts_with(known)));
    assert_eq!(whole, [""; 0]);
}
