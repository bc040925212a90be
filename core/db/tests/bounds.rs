//! Every table has its bound in the documentation.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn every_table_has_its_bound_in_the_documentation() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut tables, mut dropped) = (BTreeSet::new(), BTreeSet::new());
    for entry in fs::read_dir(root.join("src")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "sql") {
            let sql = fs::read_to_string(path).unwrap();
            let begins = sql.split("CREATE TABLE ").skip(1);
            tables.extend(begins.map(|rest| rest.split('(').next().unwrap().to_owned()));
            let ends = sql.split("DROP TABLE ").skip(1);
            dropped.extend(ends.map(|rest| rest.split(';').next().unwrap().to_owned()));
        }
    }
    tables.retain(|table| !dropped.contains(table));
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
