//! `docs/errors.md` lists exactly the codes there are, each with its kind and advice.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, clippy::indexing_slicing)]

use sotto_messenger::Code;

#[test]
fn the_glossary_lists_exactly_the_codes_there_are() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors.md");
    let text = std::fs::read_to_string(path).unwrap();
    let mut listed: Vec<(String, String)> = Vec::new();
    for row in text.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let &[code, kind, meaning, advice] = cells.as_slice() else {
            panic!("a row has four cells: {row}");
        };
        assert!(meaning.len() > 10 && advice.len() > 5, "{row}");
        listed.push((code.trim_matches('`').to_owned(), kind.to_owned()));
    }
    let codes: Vec<(String, String)> =
        Code::ALL.iter().map(|code| (code.as_str().to_owned(), code.kind().as_str().to_owned())).collect();
    assert_eq!(listed, codes);
}

#[test]
fn codes_are_stable_dotted_words_and_each_is_named_once() {
    let mut seen = std::collections::HashSet::new();
    for code in Code::ALL {
        let text = code.as_str();
        assert!(text.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c == '.'), "{text}");
        assert!(seen.insert(text), "{text} twice");
        assert!(!code.detail().is_empty());
    }
}
