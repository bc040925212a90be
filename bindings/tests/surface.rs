//! The exported surface is the one in git, so that a change of it shows in review.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

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
    let rows: Vec<[Option<&str>; 3]> = include_str!("../../docs/api.md")
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |"))
        .map(|row| row.split(" | ").collect::<Vec<_>>())
        .filter(|cells| !cells[0].starts_with("Messenger"))
        .map(|cells| [cells[0].strip_suffix('`'), name(cells[1]), name(cells[2])])
        .collect();
    let rust: Vec<&str> = rows.iter().filter_map(|row| row[0]).collect();
    for call in &calls {
        assert_eq!(rust.iter().filter(|name| *name == call).count(), 1, "{call} in docs/api.md");
    }
    assert_eq!(rust.len(), calls.len(), "a row without a call");
    let (surface, rpc) = (include_str!("../surface.txt"), include_str!("../../docs/rpc.md"));
    for [_, facade, method] in rows {
        let facade = facade.unwrap();
        assert!(["fn ", "constructor "].iter().any(|kind| surface.contains(&format!("{kind}{facade}("))), "{facade}");
        assert!(method.is_none_or(|method| rpc.contains(&format!("\n### {method}\n"))), "{method:?}");
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
        assert!(table.contains(&format!("| `{method}` |\n")), "{method} of JSON-RPC");
    }
}
