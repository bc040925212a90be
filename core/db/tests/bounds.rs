//! Every table has its bound in the documentation.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn every_table_has_its_bound_in_the_documentation() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<_> = fs::read_dir(root.join("src")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "sql"));
    files.sort();
    let mut tables = BTreeSet::new();
    for path in files {
        let sql = fs::read_to_string(path).unwrap();
        for statement in sql.split(';') {
            let name = |rest: &str| rest.split(['(', ' ']).next().unwrap().to_owned();
            let behind = |words| statement.split_once(words).map(|(_, rest)| name(rest));
            tables.extend(behind("CREATE TABLE "));
            let new = behind(" RENAME TO ");
            let old = behind("ALTER TABLE ").filter(|_| new.is_some());
            for gone in behind("DROP TABLE ").into_iter().chain(old) {
                assert!(tables.remove(&gone), "{gone}");
            }
            tables.extend(new);
        }
    }
    assert!(tables.len() > 15, "{tables:?}");
    let page = fs::read_to_string(root.join("../../docs/architecture.md")).unwrap();
    let (_, section) = page.split_once("## Bounds").expect("a section on bounds");
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    let mut named = BTreeSet::new();
    for cells in cells {
        assert!(cells.len() > 4 && !cells[3].is_empty(), "a bound: {cells:?}");
        named.extend(cells[1].split(", ").map(|name| name.trim_matches('`').to_owned()));
    }
    assert_eq!(named, tables);
}
