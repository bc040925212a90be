//! `Debug` of no type prints a secret: neither by deriving it, nor for a value that holds one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};

use sotto_messenger::engine::call;
use sotto_messenger::records::{ConversationId, MessageId, NewPoll};

/// Fields and variants of such names hold texts, names of people, links or keys.
const SECRET: [&str; 32] = [
    "phrase",
    "words",
    "seed",
    "text",
    "say",
    "texts",
    "draft",
    "request_text",
    "link",
    "links",
    "add",
    "name",
    "digits",
    "qr",
    "secret",
    "self_secret",
    "contacts_secret",
    "invite_secret",
    "mask_secret",
    "private",
    "snapshot",
    "key",
    "keys",
    "file_key",
    "mk",
    "m",
    "plaintext",
    "plain",
    "home",
    "home_value",
    "params",
    "root",
];
/// Fields with such a name that are no secret: (file, type, field).
const PUBLIC: [(&str, &str, &str); 9] = [
    ("client/nodes.rs", "Node", "home"), // a circle
    ("nodes/book.rs", "Former", "home"),
    ("waku/tree.rs", "TreeUrl", "key"), // public, as are the links
    ("waku/tree.rs", "TreeRoot", "links"),
    ("waku/tree.rs", "TreeEntry", "link"),
    ("group/entry.rs", "Signer", "key"),   // a public key
    ("group/message.rs", "Sender", "key"), // prints no more than its type
    ("grouplog.rs", "Act", "add"),         // a leaf's id and a hash
    ("grouplog/state.rs", "Member", "root"),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// Without comments.
fn code(text: &str) -> String {
    let line = |line: &str| match line.trim_start() {
        comment if comment.starts_with("//") || comment.starts_with("/*") => String::new(),
        _ => line.split(" // ").next().unwrap_or_default().to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Up to the bracket that closes the first one.
fn body(text: &str) -> &str {
    let Some(from) = text.find(['{', '(', ';']) else {
        return "";
    };
    let mut depth = 0;
    for (at, c) in text.char_indices().skip_while(|(at, _)| *at < from) {
        match c {
            '{' | '(' => depth += 1,
            '}' | ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[from..=at];
        }
    }
    ""
}

/// Names before a colon or a bracket: fields, and variants that hold something.
fn fields(body: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word = String::new();
    let mut chars = body.chars().peekable();
    while let Some(c) = chars.next() {
        if c.is_alphanumeric() || c == '_' {
            word.push(c);
            continue;
        }
        let path = c == ':' && chars.peek() == Some(&':');
        if !word.is_empty() && (c == '(' || (c == ':' && !path)) {
            found.push(word.to_lowercase());
        }
        if path {
            chars.next();
        }
        word.clear();
    }
    found
}

/// Types of a file that derive `Debug`, each with the names of what it holds.
fn derived(text: &str) -> Vec<(String, Vec<String>)> {
    let text = code(text);
    let mut found = Vec::new();
    for (at, _) in text.match_indices("#[derive(") {
        let rest = &text[at..];
        let Some(end) = rest.find(")]") else { continue };
        if !rest[..end].split(['(', ',']).any(|one| one.trim() == "Debug") {
            continue;
        }
        let item = ["struct ", "enum "].iter().filter_map(|kind| {
            let at = rest[end..].find(kind)?;
            Some((at, &rest[end + at + kind.len()..]))
        });
        if let Some((_, item)) = item.min_by_key(|(at, _)| *at) {
            let name: String = item.chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == '$').collect();
            found.push((name, fields(body(item))));
        }
    }
    found
}

#[test]
fn no_type_with_a_secret_derives_debug() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    for entry in fs::read_dir(root.join("core")).unwrap() {
        sources(&entry.unwrap().path().join("src"), &mut files);
    }
    sources(&root.join("bindings/src"), &mut files);
    let (mut seen, mut wrong) = (0, Vec::new());
    for file in files {
        let shown = file.strip_prefix(&root).unwrap().display().to_string();
        for (name, fields) in derived(&fs::read_to_string(&file).unwrap()) {
            seen += 1;
            let bad = fields.into_iter().filter(|field| {
                SECRET.contains(&field.as_str())
                    && !PUBLIC.iter().any(|one| shown.ends_with(one.0) && (one.1, one.2) == (&name, field))
            });
            wrong.extend(bad.map(|field| format!("{shown}: {name}.{field}")));
        }
    }
    assert!(seen > 150, "{seen} types found");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_secret_is_found_where_it_is_derived() {
    let text = "#[derive(Clone, Debug)]\n/// A text: x\npub enum Call { Say(String), Make { phrase: String }, Done }";
    let names = ["say", "phrase"].map(str::to_owned).to_vec();
    assert_eq!(derived(text), [("Call".to_owned(), names)]);
}

fn canary() -> String {
    "canary-17".to_owned()
}

/// The forms that no output may contain: the text itself, or its bytes as a list.
fn hidden(value: &dyn Debug) {
    let bytes = format!("{:?}", canary().as_bytes());
    for shown in [format!("{value:?}"), format!("{value:#?}")] {
        let flat: String = shown.chars().filter(|c| !c.is_whitespace()).collect();
        let bytes: String = bytes.chars().filter(|c| !c.is_whitespace()).collect();
        assert!(!flat.contains("canary"), "{shown}");
        assert!(!flat.contains(bytes.trim_matches(['[', ']'])), "{shown}");
    }
}

#[test]
fn calls_show_nothing() {
    let conversation = ConversationId::from_bytes(&[1; 32]);
    let poll = NewPoll { question: canary(), choices: vec![canary()], multiple: false, end_ms: None };
    let calls: [&dyn Debug; 8] = [
        &call::AccountCreate { name: canary() },
        &call::AccountRestore { phrase: canary().into() },
        &call::ProfileSet { name: canary() },
        &call::ContactAdd { link: canary(), text: Some(canary()) },
        &call::Send { conversation: conversation.clone(), post: canary().into() },
        &call::DraftSet { conversation: conversation.clone(), text: canary(), reply_to: None },
        &call::Edit { message: MessageId::from_bytes(&[1; 32]), text: canary(), mentions: Vec::new() },
        &call::PollCreate { conversation, poll },
    ];
    for call in calls {
        hidden(call);
    }
}
