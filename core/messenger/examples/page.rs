//! `page FOLDER [KEY]`: the time of a page of 50 rich messages, of a conversation of 100,000: each a post that replies
//! to the one before, mentions a contact, has a picture with preview and four reactions; every fifth is edited.
//! `scripts/bench` runs it. Calls of the API, the file in the page cache. With a key, 64 hexadecimal digits, it makes
//! the folder and ends: a test of the app opens it.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a measuring program"
)]

use std::path::Path;
use std::time::Instant;

use sotto_db::{
    Account, Annotation, Attachment, Error, FileRole, FileState, MessageState, NEVER, Person, PersonState, Standing,
    Tables,
};
use sotto_messenger::records::ConversationId;
use sotto_messenger::{Config, Fleet, Messenger, Preset};
use sotto_wire::content::{Content, Edit, File, FileKind, Kind, Mention, Message, Post, Reply};
use sotto_wire::file::FilePointer;

const KEY: [u8; 32] = [7; 32];
const MESSAGES: u32 = 100_000;
const CONVERSATION: [u8; 32] = [1; 32];
/// A key that somebody could have: the base point of secp256k1.
const THEM: [u8; 33] = [
    0x02, 0x79, 0xbe, 0x66, 0x7e, 0xf9, 0xdc, 0xbb, 0xac, 0x55, 0xa0, 0x62, 0x95, 0xce, 0x87, 0x0b, 0x07, 0x02, 0x9b,
    0xfc, 0xdb, 0x2d, 0xce, 0x28, 0xd9, 0x59, 0xf2, 0x81, 0x5b, 0x16, 0xf8, 0x17, 0x98,
];

fn main() {
    let folder = std::env::args().nth(1).unwrap();
    let folder = Path::new(&folder);
    let given = std::env::args().nth(2);
    let key = given.as_deref().map_or(KEY, key);
    let open = || Messenger::open(Config::new(folder, key, Fleet::preset(Preset::Local))).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    if !Messenger::is_in(folder).unwrap() {
        make(folder, &key, open(), &runtime);
    }
    if given.is_some() {
        return;
    }
    let messenger = open();
    let conversation = ConversationId::from_bytes(&CONVERSATION);
    let mut before = None;
    let mut times = Vec::new();
    for _ in 0..100 {
        let start = Instant::now();
        let rows = messenger.messages(&conversation, before.as_deref(), 50).unwrap();
        times.push(start.elapsed().as_secs_f64() * 1000.0);
        assert_eq!(rows.len(), 50);
        assert!(rows.iter().all(|row| row.files.len() == 1 && row.reply.is_some() && row.reactions.len() == 4));
        before = rows.last().map(|row| row.cursor.clone());
    }
    println!("page of 50 rich messages of 100,000, the first: {:.2} ms", times[0]);
    times.sort_by(f64::total_cmp);
    println!("of the 100 newest pages: median {:.2} ms, slowest {:.2} ms", times[50], times[99]);
    runtime.block_on(messenger.close()).unwrap();
}

fn key(hex: &str) -> [u8; 32] {
    let bytes = (0..32).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap());
    bytes.collect::<Vec<_>>().try_into().unwrap()
}

fn make(folder: &Path, key: &[u8; 32], made: Messenger, runtime: &tokio::runtime::Runtime) {
    runtime.block_on(made.account_create("Alice")).unwrap();
    runtime.block_on(made.close()).unwrap();
    let mut account = Account::open(&folder.join("account.db"), key).unwrap();
    account.transaction_unsynced(|mut tx| bob(&mut tx)).unwrap();
    for from in (0..MESSAGES).step_by(1000) {
        account.transaction_unsynced(|mut tx| (from..from + 1000).try_for_each(|n| add(&mut tx, n))).unwrap();
    }
    account.truncate().unwrap();
}

fn bob(tx: &mut Tables<'_>) -> Result<(), Error> {
    tx.persons.put(&Person {
        chat: THEM,
        state: PersonState::Accepted,
        name: "Bob".to_owned(),
        contacts_secret: None,
        invite_secret: None,
        request_text: None,
        verified: false,
        devices_changed: false,
        waiting: None,
        cards_due_ms: None,
        cards_tries: 0,
        hello_sent: true,
        unblocked_state: PersonState::Accepted,
        created_ms: 0,
        nickname: None,
    })?;
    tx.conversations.put(&sotto_db::Conversation {
        id: CONVERSATION,
        kind: sotto_db::Kind::Pair,
        peer: Some(THEM),
        standing: Standing::Open,
        lamport: MESSAGES.into(),
        heads: Vec::new(),
        draft: String::new(),
        draft_reply: None,
        unread: 0,
        created_ms: 0,
        last_ms: i64::from(MESSAGES) * 1000,
        arrived_ms: 0,
        gone_ms: 0,
        listed: true,
        pinned: false,
        archived: false,
        muted_ms: 0,
        marked: false,
        timer_s: 0,
    })
}

fn id(n: u32) -> [u8; 32] {
    let mut id = [0; 32];
    id[..4].copy_from_slice(&n.wrapping_mul(0x9e37_79b1).to_be_bytes());
    id[4..8].copy_from_slice(&n.to_be_bytes());
    id
}

fn post(n: u32, pointer: FilePointer, text: &str) -> Post {
    Post {
        text: text.to_owned(),
        reply: Some(Reply { id: id(n.saturating_sub(1)), excerpt: String::new() }),
        mentions: vec![Mention { offset: 0, length: 4, chat: THEM }],
        files: vec![File {
            pointer,
            kind: FileKind::Image,
            name: format!("{n}.jpg"),
            mime: "image/jpeg".to_owned(),
            width: 1280,
            height: 960,
            duration_ms: 0,
            waveform: Vec::new(),
            placeholder: vec![7; 25],
            preview_size: 4000,
            on_group_lane: false,
            until_s: 0,
        }],
        ..Post::default()
    }
}

fn add(tx: &mut Tables<'_>, n: u32) -> Result<(), Error> {
    let author = (n % 2 == 1).then_some(THEM);
    let mut key = [0; 32];
    key[..4].copy_from_slice(&n.to_be_bytes());
    let pointer = FilePointer::new(key, 300_000, key).unwrap();
    let text = format!("@Bob message {n} of a long conversation, as long as such a text is");
    let (kind, body) = Content::Post(Box::new(post(n, pointer.clone(), &text))).encode().unwrap();
    let m = Message { random: [1; 16], lamport: n.into(), time_s: n.into(), parents: Vec::new(), kind, body };
    tx.messages.add(&sotto_db::Message {
        id: id(n),
        conversation: CONVERSATION,
        author,
        kind: kind.code(),
        m: m.encode().unwrap(),
        text: Some(text),
        names: format!("{n}.jpg"),
        state: if author.is_some() { MessageState::Received } else { MessageState::Delivered },
        reason: None,
        time_s: n.into(),
        lamport: n.into(),
        newer: false,
        fetching: false,
        read: true,
        added_ms: 0,
        unconfirmed: false,
        resent_ms: 0,
        marked: false,
        body: None,
        edited: n.is_multiple_of(5),
        deleted_by: None,
        expire_s: 0,
        expires_ms: None,
    })?;
    let file = *key.first_chunk().unwrap();
    tx.files.put(&file_row(file, &pointer))?;
    let (kind, lamport, time_s) = (FileKind::Image.code(), n.into(), n.into());
    tx.attachments.put(&Attachment {
        message: id(n),
        i: 0,
        file,
        conversation: CONVERSATION,
        kind,
        lamport,
        time_s,
        session: None,
        seq: None,
    })?;
    for emoji in ["👍", "🎉", "😀", "❤️"] {
        mark(tx, n, Kind::Reaction, emoji.as_bytes(), &[1])?;
    }
    if n.is_multiple_of(5) {
        let edit = Edit { target: id(n), text: format!("message {n}, edited"), mentions: Vec::new() };
        let (kind, body) = Content::Edit(Box::new(edit)).encode().unwrap();
        mark(tx, n, kind, &[5; 32], &body)?;
    }
    Ok(())
}

fn file_row(id: [u8; 16], pointer: &FilePointer) -> sotto_db::File {
    sotto_db::File {
        id,
        pointer: pointer.encode().to_vec(),
        role: FileRole::Message,
        content: None,
        state: FileState::Remote,
        sent: true,
        have: Vec::new(),
        manifest: None,
        tries: 0,
        due_ms: NEVER,
        since_s: 1,
        from_ns: 0,
        until_s: 1,
        reason: None,
        asked_ms: 0,
        doubted: false,
        answers: 0,
        answered_ms: 0,
        auto: false,
        preview_size: 4000,
        preview: Some(vec![8; 4000]),
        preview_tries: 0,
        preview_due_ms: NEVER,
    }
}

fn mark(tx: &mut Tables<'_>, n: u32, kind: Kind, key: &[u8], value: &[u8]) -> Result<(), Error> {
    tx.annotations.put(&Annotation {
        target: id(n),
        kind: kind.code(),
        author: THEM,
        key: key.to_vec(),
        conversation: CONVERSATION,
        value: value.to_vec(),
        lamport: n.into(),
        time_s: n.into(),
        id: id(n),
    })
}
