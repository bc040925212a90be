//! `scripts/rooms` fails when it should.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

/// What it says of a tree with one file changed: a text added at its beginning.
fn said(file: &str, added: &str) -> (bool, String) {
    let tree = tempfile::tempdir().unwrap();
    for part in ["core/messenger/src/engine", "core/db/src", "scripts"] {
        copy(&root().join(part), &tree.path().join(part));
    }
    let path = tree.path().join(file);
    let before = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{added}{before}")).unwrap();
    let done = Command::new("python3").arg(root().join("scripts/rooms")).arg("--root").arg(tree.path()).output();
    let done = done.unwrap();
    (done.status.success(), String::from_utf8(done.stdout).unwrap() + &String::from_utf8(done.stderr).unwrap())
}

#[test]
fn the_tree_as_it_is_holds() {
    assert_eq!(said("scripts/rooms.allowed", ""), (true, String::new()));
}

#[test]
fn arrows_up_circles_and_foreign_tables_are_faults() {
    for (file, added, says) in [
        (
            "core/messenger/src/engine/hear/bucket.rs",
            "\nfn up() { crate::engine::people::contact::nothing(); }\n",
            "hear/bucket.rs -> people::contact: from hear up into people",
        ),
        (
            "core/messenger/src/engine/hear/bucket.rs",
            "\nfn up() { crate::engine::call::nothing(); }\n",
            "hear/bucket.rs -> call::nothing: from hear up into root",
        ),
        (
            "core/messenger/src/engine/hear/bucket.rs",
            "\nfn foreign(step: &Step<'_>) { step.tx.persons.put(&x); }\n",
            "hear/bucket.rs writes persons, a table of people",
        ),
        (
            "core/db/src/talk.rs",
            "\nconst FOREIGN: &str = \"DELETE FROM parcels WHERE id=?\";\n",
            "core/db/src/talk.rs writes parcels, a table of post.rs",
        ),
        ("scripts/rooms.allowed", "base/own.rs writes holes\n", "nothing needs \"base/own.rs writes holes\" any more"),
    ] {
        let (held, said) = said(file, added);
        assert!(!held && said.contains(says), "{file}: {said}");
    }
}

/// An arrow that is allowed makes no circle; the same one without the line is both.
#[test]
fn a_circle_is_named() {
    let up = "\nfn up() { crate::engine::people::contact::nothing(); }\n";
    let (held, said) = said("core/messenger/src/engine/base/step.rs", up);
    assert!(!held && said.contains("a circle among rooms: base"), "{said}");
}
