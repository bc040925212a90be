//! The exported surface is the one in git, so that a change of it shows in review.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::collections::BTreeSet;

#[test]
fn the_surface_is_the_one_in_git() {
    let golden = include_str!("../surface.txt");
    let now = sotto_bindgen::surface(&support::library()).unwrap();
    let changed: Vec<_> = now
        .lines()
        .filter(|line| !golden.lines().any(|old| old == *line))
        .map(|line| format!("+ {line}"))
        .chain(golden.lines().filter(|line| !now.lines().any(|new| new == *line)).map(|line| format!("- {line}")))
        .collect();
    assert!(
        now == golden,
        "the surface changed; if that is meant: scripts/gen-bindings, then copy target/bindings/surface.txt to \
         bindings/surface.txt\n{}",
        changed.join("\n")
    );
}

/// Package, module and the cases of errors are named as Kotlin and Swift name theirs.
#[test]
fn each_language_has_its_own_names() {
    use sotto_bindgen::{TargetLanguage, generate};
    let folder = tempfile::tempdir().unwrap();
    let code = |language, path: &str| {
        generate(&support::library(), language, folder.path()).unwrap();
        std::fs::read_to_string(folder.path().join(path)).unwrap()
    };
    let kotlin = code(TargetLanguage::Kotlin, "im/sotto/ffi/sotto.kt");
    assert!(kotlin.contains("\npackage im.sotto.ffi\n") && kotlin.contains("class NotFound("));
    assert!(kotlin.contains("class SottoException") && kotlin.contains("data class SottoMessageId"));
    let swift = code(TargetLanguage::Swift, "Sotto.swift");
    assert!(swift.contains("case `notFound`(") && swift.contains("return .notFound(") && !swift.contains(".NotFound("));
    assert!(swift.contains("public struct SottoMessageId"));
    // Every exported name begins so.
    for line in include_str!("../surface.txt").lines() {
        let name = ["object ", "record ", "enum ", "error "].iter().find_map(|kind| line.strip_prefix(kind));
        assert!(name.is_none_or(|name| name.starts_with("Sotto")), "{line}");
    }
}

/// An app can call everything that the Rust API offers, and docs/api.md says how.
#[test]
fn every_call_of_the_messenger_stands_in_the_table() {
    let api = concat!(
        include_str!("../../core/messenger/src/api.rs"),
        include_str!("../../core/messenger/src/api/files.rs"),
        include_str!("../../core/messenger/src/api/groups.rs"),
        include_str!("../../core/messenger/src/api/posts.rs"),
        include_str!("../../core/messenger/src/api/read.rs"),
        include_str!("../../core/messenger/src/api/search.rs"),
        include_str!("../../core/messenger/src/open.rs"),
    );
    let calls: Vec<&str> = api
        .lines()
        .filter_map(|line| line.strip_prefix("    pub "))
        .filter_map(|line| line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn "))
        .filter_map(|line| line.split_once('('))
        .map(|(name, _)| name)
        .filter(|name| *name != "open_over") // for tests
        .collect();
    assert!(calls.len() > 40, "{calls:?}");
    let name = |cell: &'static str| cell.trim().strip_prefix('`').and_then(|cell| cell.strip_suffix('`'));
    let rows: Vec<[Option<&str>; 4]> = include_str!("../../docs/api.md")
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |"))
        .map(|row| row.split(" | ").collect::<Vec<_>>())
        .filter(|cells| cells.len() == 4 && !cells[0].starts_with("Messenger"))
        .map(|cells| [cells[0].strip_suffix('`'), name(cells[1]), name(cells[2]), name(cells[3])])
        .collect();
    let rust: Vec<&str> = rows.iter().filter_map(|row| row[0]).collect();
    for call in &calls {
        assert_eq!(rust.iter().filter(|name| *name == call).count(), 1, "{call} in docs/api.md");
    }
    assert_eq!(rust.len(), calls.len(), "a row without a call");
    let (surface, rpc) = (include_str!("../surface.txt"), include_str!("../../docs/rpc.md"));
    let kotlin = kotlin_calls();
    for [_, facade, method, call] in rows {
        let facade = facade.unwrap();
        assert!(["fn ", "constructor "].iter().any(|kind| surface.contains(&format!("{kind}{facade}("))), "{facade}");
        assert!(method.is_none_or(|method| rpc.contains(&format!("\n### {method}\n"))), "{method:?}");
        let call = call.unwrap().trim_start_matches("Sotto.");
        assert!(kotlin.contains(call), "{call} of Kotlin");
    }
    // And the other way round: no call of the bindings or of JSON-RPC is missing in the table.
    let table = include_str!("../../docs/api.md");
    for line in surface.lines().filter_map(|line| line.strip_prefix("  ")) {
        let line = line.strip_prefix("async ").unwrap_or(line);
        if let Some((call, _)) = line.strip_prefix("fn ").and_then(|line| line.split_once('('))
            && !["ready", "next_batch", "end"].contains(&call)
        {
            assert!(table.contains(&format!("| `{call}` |")), "{call} of the bindings");
        }
    }
    for method in rpc.lines().filter_map(|line| line.strip_prefix("### ")).filter(|method| *method != "version") {
        let quoted = format!("`{method}`");
        let mut cells = table.lines().filter_map(|line| line.strip_suffix(" |")?.split(" | ").nth(2));
        assert!(cells.any(|cell| cell == quoted), "{method} of JSON-RPC");
    }
    for call in &kotlin {
        assert!(["`", "`Sotto."].iter().any(|begin| table.contains(&format!("{begin}{call}`"))), "{call} of Kotlin");
    }
}

/// The calls of the Kotlin SDK by its dump, as an app writes them: `messages.send`, `shutdown`.
fn kotlin_calls() -> BTreeSet<String> {
    let groups = [
        ("Sotto", ""),
        ("Sotto$Companion", ""),
        ("Accounts", "account."),
        ("Contacts", "contacts."),
        ("Conversations", "conversations."),
        ("Messages", "messages."),
        ("Files", "files."),
        ("Groups", "groups."),
    ];
    let mut group = None;
    let mut calls = BTreeSet::new();
    for line in include_str!("../../android/sotto/api.txt").lines() {
        if let Some((_, class)) = line.split_once("class im/sotto/") {
            let name = class.split(' ').next();
            group = groups.iter().find(|(class, _)| Some(*class) == name).map(|(_, group)| group);
        }
        let call = line.split_once(" fun ").and_then(|(_, call)| call.split(['(', '-', ' ']).next());
        let (Some(group), Some(call)) = (group, call) else { continue };
        // A property is named by its getter; a call with defaults has a second form; groups are no calls.
        let call = call
            .strip_prefix("get")
            .filter(|rest| rest.starts_with(char::is_uppercase))
            .map_or_else(|| call.to_owned(), |rest| rest[..1].to_lowercase() + &rest[1..]);
        let is_group = groups.iter().any(|(_, name)| name.trim_end_matches('.') == call);
        let is_getter = group.is_empty() && is_group;
        if !call.starts_with('<') && !call.ends_with("$default") && !is_getter {
            calls.insert(format!("{group}{call}"));
        }
    }
    assert!(calls.len() > 80, "{calls:?}");
    calls
}
