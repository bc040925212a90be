//! Checks the statements of docs/architecture.md about the crates.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};

const ARCHITECTURE: &str = include_str!("../../../docs/architecture.md");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The folders of the workspace's crates.
fn members() -> Vec<String> {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let (_, list) = manifest.split_once("members = [").unwrap();
    let (list, _) = list.split_once(']').unwrap();
    let quoted = |part: &str| part.trim().trim_matches('"').to_owned();
    let members: Vec<String> = list.split(',').map(quoted).filter(|one| !one.is_empty()).collect();
    assert!(members.len() > 8, "{members:?}");
    members
}

fn manifest(folder: &str) -> String {
    std::fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap()
}

/// Dependencies of a crate, without those of its tests.
fn dependencies(folder: &str) -> Vec<String> {
    let manifest = manifest(folder);
    let mut found = Vec::new();
    let mut section = "";
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        } else if section.ends_with("dependencies]") && section != "[dev-dependencies]" {
            let name = line.split(['.', '=', ' ']).next().unwrap();
            found.push(name.to_owned());
        }
    }
    found
}

#[test]
fn the_table_names_every_crate() {
    for folder in members() {
        let manifest = manifest(&folder);
        let (_, name) = manifest.split_once("name = \"").unwrap();
        let (name, _) = name.split_once('"').unwrap();
        let row = format!("| `{name}` | `{folder}` |");
        assert!(ARCHITECTURE.contains(&row), "{row}");
    }
}

#[test]
fn uniffi_sql_libp2p_and_ciphers_are_each_in_one_crate() {
    let homes: &[(&[&str], &[&str])] = &[
        (&["uniffi"], &["bindings"]),
        (&["uniffi_bindgen", "uniffi_meta"], &["bindings/bindgen"]),
        // The testkit reads tables itself, and hashes its traces.
        (&["rusqlite"], &["core/db", "tests/testkit"]),
        (&["rusqlite_migration"], &["core/db"]),
        (&["libp2p", "libp2p-mplex", "libp2p-stream", "discv5", "enr", "hickory-resolver"], &["core/net"]),
        (
            &[
                "bip39",
                "chacha20",
                "chacha20poly1305",
                "ed25519-dalek",
                "hkdf",
                "hmac",
                "k256",
                "ml-kem",
                "subtle",
                "x25519-dalek",
            ],
            &["core/crypto"],
        ),
        (&["sha2", "sha3"], &["core/crypto", "core/wire", "core/db", "tests/testkit"]),
    ];
    for folder in members() {
        for dependency in dependencies(&folder) {
            for (_, allowed) in homes.iter().filter(|(names, _)| names.contains(&dependency.as_str())) {
                assert!(allowed.contains(&folder.as_str()), "{dependency} in {folder}");
            }
        }
    }
}

/// Source files of the crates, without tests.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            sources(&path, found);
        } else if name.ends_with(".rs") && name != "tests.rs" {
            found.push(path);
        }
    }
}

#[test]
fn sql_is_written_in_one_crate() {
    for folder in members() {
        if folder == "core/db" || folder.starts_with("tests/") {
            continue;
        }
        let mut found = Vec::new();
        sources(&root().join(&folder).join("src"), &mut found);
        for path in found {
            let source = std::fs::read_to_string(&path).unwrap();
            let source = source.split("#[cfg(test)]").next().unwrap();
            for word in ["SELECT ", "INSERT INTO", "DELETE FROM", "rusqlite::", "CREATE TABLE"] {
                assert!(!source.contains(word), "{word} in {path:?}");
            }
        }
    }
}

/// Every `file.rs` and `file.rs: a_test` that the documents name.
#[test]
fn files_and_tests_that_the_documents_name_exist() {
    let mut files = Vec::new();
    let mut tests = String::new();
    for folder in members() {
        everything(&root().join(folder), &mut files);
    }
    for file in &files {
        tests += &std::fs::read_to_string(file).unwrap();
    }
    let mut named = 0;
    for entry in std::fs::read_dir(root().join("docs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "md") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for span in text.split('`').filter(|span| !span.contains(char::is_whitespace) || span.contains(".rs: ")) {
            let (file, test) = span.split_once(": ").unwrap_or((span, ""));
            if !file.ends_with(".rs") || file.contains(char::is_whitespace) {
                continue;
            }
            assert!(files.iter().any(|one| one.ends_with(file)), "{path:?}: {file}");
            assert!(test.is_empty() || tests.contains(&format!("fn {test}(")), "{path:?}: {span}");
            named += 1;
        }
    }
    assert!(named > 100, "{named}");
}

/// All source files, tests too.
fn everything(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            everything(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}
