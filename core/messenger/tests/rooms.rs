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

/// The lint's output for a tree with one file changed: a text added at its beginning.
fn said(file: &str, added: &str) -> (bool, String) {
    let tree = tempfile::tempdir().unwrap();
    for part in ["core/messenger/src", "core/db/src"] {
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
    assert_eq!(said("core/messenger/src/engine.rs", ""), (true, String::new()));
}

#[test]
fn arrows_up_circles_and_foreign_tables_are_faults() {
    for (file, added, says) in [
        (
            "core/messenger/src/engine/hear/bucket.rs",
            "\nfn up() { crate::engine::people::contact::nothing(); }\n",
            "engine/hear/bucket.rs -> people::contact: from hear up into people",
        ),
        (
            "core/messenger/src/engine/hear/bucket.rs",
            "\nfn up() { crate::engine::call::nothing(); }\n",
            "engine/hear/bucket.rs -> call::nothing: from hear up into root",
        ),
        (
            "core/messenger/src/engine/keys/deep.rs",
            "\nuse crate::engine::{Engine, Step};\n",
            "engine/keys/deep.rs -> Engine: from keys up into root",
        ),
        (
            "core/messenger/src/engine/hear/bucket.rs",
            "\nfn foreign(mut tx: Tables<'_>) { tx.persons.put(&x); }\n",
            "engine/hear/bucket.rs writes persons, a table of people",
        ),
        (
            "core/messenger/src/engine.rs",
            "\nfn foreign(mut tx: Tables<'_>) { tx.parcels.rewind(0); }\n",
            "engine.rs writes parcels, a table of post",
        ),
        (
            "core/messenger/src/engine/work.rs",
            "\nfn foreign(mut tx: Tables<'_>) { tx.messages.delete_all(&id); }\n",
            "engine/work.rs writes messages, a table of talk",
        ),
        (
            "core/db/src/talk.rs",
            "\nconst FOREIGN: &str = \"DELETE FROM parcels WHERE id=?\";\n",
            "core/db/src/talk.rs writes parcels, a table of post.rs",
        ),
    ] {
        let (held, said) = said(file, added);
        assert!(!held && said.contains(says), "{file}: {said}");
    }
}

#[test]
fn a_circle_is_named() {
    let up = "\nfn up() { crate::engine::people::contact::nothing(); }\n";
    let (held, said) = said("core/messenger/src/engine/base/step.rs", up);
    assert!(!held && said.contains("a circle among rooms: base"), "{said}");
}
