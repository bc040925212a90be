//! Every label of the protocol stands in `docs/protocol.md`, and every label there in the code.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// `sotto/<purpose>/<version>` between two of these characters.
fn labels(text: &str, quote: char) -> BTreeSet<String> {
    text.split(quote)
        .filter(|part| {
            let parts: Vec<&str> = part.split('/').collect();
            matches!(parts.as_slice(), ["sotto", purpose, version]
                if purpose.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
                    && !version.is_empty()
                    && version.bytes().all(|b| b.is_ascii_digit()))
        })
        .map(str::to_owned)
        .collect()
}

fn sources(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.extend(labels(&fs::read_to_string(path).unwrap(), '"'));
        }
    }
}

fn documented() -> BTreeSet<String> {
    let text = fs::read_to_string(root().join("docs/protocol.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `sotto/"));
    rows.flat_map(|row| labels(row, '`')).collect()
}

#[test]
fn the_table_of_labels_is_the_code() {
    let mut code = BTreeSet::new();
    for entry in fs::read_dir(root().join("core")).unwrap() {
        let folder = entry.unwrap().path().join("src");
        if folder.is_dir() {
            sources(&folder, &mut code);
        }
    }
    assert!(code.len() >= 25, "{code:?}");
    assert_eq!(code, documented());
}

/// An info is a label and its parts without separators, so one label must not begin another.
#[test]
fn no_label_begins_another() {
    let all = documented();
    for one in &all {
        for other in &all {
            assert!(one == other || !other.starts_with(one), "{one}, {other}");
        }
    }
}
