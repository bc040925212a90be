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
    let kotlin = code(TargetLanguage::Kotlin, "sotto/sotto.kt");
    assert!(kotlin.contains("\npackage sotto\n") && kotlin.contains("class NotFound("));
    assert!(kotlin.contains("class SottoException") && kotlin.contains("data class SottoMessageId"));
    let swift = code(TargetLanguage::Swift, "Sotto.swift");
    assert!(swift.contains("case `notFound`(") && swift.contains("return .notFound(") && !swift.contains(".NotFound("));
    assert!(swift.contains("public struct SottoMessageId"));
    // What an app can name begins so.
    for line in include_str!("../surface.txt").lines() {
        let name = ["object ", "record ", "enum ", "error "].iter().find_map(|kind| line.strip_prefix(kind));
        assert!(name.is_none_or(|name| name.starts_with("Sotto")), "{line}");
    }
}

/// Whatever the Rust API offers, an app can call.
#[test]
fn no_call_of_the_messenger_is_forgotten() {
    let api =
        concat!(include_str!("../../core/messenger/src/api.rs"), include_str!("../../core/messenger/src/api/read.rs"));
    let renamed = |name: &str| match name {
        "on_network_change" => "network_changed".to_owned(),
        "on_power_change" => "power_changed".to_owned(),
        "subscribe" => "events".to_owned(),
        "close" => "shutdown".to_owned(),
        "is_in" => "database_exists".to_owned(),
        name => name.to_owned(),
    };
    let calls: Vec<_> = api
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("pub "))
        .filter_map(|line| line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn "))
        .filter_map(|line| line.split_once('('))
        .map(|(name, _)| renamed(name))
        .collect();
    assert!(calls.len() > 25, "{calls:?}");
    let surface = include_str!("../surface.txt");
    for call in calls {
        assert!(surface.contains(&format!("fn {call}(")), "{call}");
    }
}
