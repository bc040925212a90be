//! Checks after each interruption, and at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sotto_crypto::account_id;
use sotto_db::Account;
use sotto_messenger::records::{ContactState, MessageState};
use sotto_wire::envelope::Envelope;
use sotto_wire::invite::Invite;

use super::orphans::orphans;
use super::phone_folder;
use super::script::{deleted, said, text};
use crate::phone::KEY;
use crate::record::{Record, Told};
use crate::{MINUTE, contacts, messages};

/// Everything that this phone acknowledged is still there.
pub(super) fn holds(
    told: &Told,
    who: usize,
    name: Option<String>,
    contact: Option<ContactState>,
    texts: &[(String, bool)],
) {
    let shows = |said: &str, read: bool| {
        let is_it = |(shown, was_read): &(String, bool)| *shown == text(said) && (*was_read || !read);
        texts.iter().any(is_it)
    };
    for what in &told.done {
        let parts: Vec<&str> = what.splitn(3, ' ').collect();
        let mine = |by: &str| by == who.to_string();
        let there = match parts[..] {
            ["account", by] if mine(by) => name.is_some(),
            ["name", by, taken] if mine(by) => name.as_deref() == Some(taken),
            ["add"] if who == 0 => contact.is_some(),
            ["accept"] if who == 1 => contact == Some(ContactState::Accepted),
            ["say", by, said] if mine(by) => shows(said, false),
            ["read", by, said] if mine(by) => shows(said, true),
            ["delete", by, said] if mine(by) => !shows(said, false),
            _ => true,
        };
        assert!(there, "{who} was told {what:?}, and it is gone");
    }
}

/// A message as a phone shows it.
struct Shown {
    text: String,
    mine: bool,
    state: MessageState,
}

/// Panics unless everything acknowledged in a finished life arrived once, in one order, and no key was used twice.
pub fn check(folder: &Path, when: &str) -> Told {
    let told = Record::open(folder).read();
    let shown = [shown(folder, 0, &told, when), shown(folder, 1, &told, when)];
    let texts = |who: usize| shown[who].iter().map(|one| &one.text);
    let is_deleted = |one: &&String| deleted().any(|(_, said)| text(said) == **one);
    let both = |who: usize| texts(who).filter(|one| !is_deleted(one));
    assert!(both(0).eq(both(1)), "{when}: one order");
    for (who, said) in deleted() {
        assert!(texts(who).all(|one| *one != text(said)), "{when}: {who} shows {said:?}, which it deleted");
    }
    let mut expected: BTreeSet<String> = said().map(|(who, said)| format!("say {who} {said}")).collect();
    let acknowledged = told.done.iter().filter(|what| what.starts_with("say "));
    expected.extend(acknowledged.cloned());
    let mut count = BTreeMap::<String, u32>::new();
    for text in texts(0) {
        *count.entry(text.clone()).or_default() += 1;
    }
    for what in &expected {
        let said = what.splitn(3, ' ').last().unwrap();
        assert_eq!(count.remove(&text(said)), Some(1), "{when}: {what}");
    }
    // A process may die between its commit and its answer.
    for (text, times) in count {
        let tried = told.tried.iter().any(|what| what.ends_with(&text));
        assert!(tried && times == 1, "{when}: {text:?} {times} times");
    }
    keys(&told, when);
    settled(&told, when);
    for who in 0..2 {
        let lost = orphans(&phone_folder(folder, who));
        assert!(lost.is_empty(), "{when}: {who} has {lost:?}");
    }
    told
}

fn shown(folder: &Path, who: usize, told: &Told, when: &str) -> Vec<Shown> {
    let path = phone_folder(folder, who).join("account.db");
    let account = Account::open(&path, &KEY).unwrap();
    let invites = account.read(|tx| tx.invites.all()).unwrap();
    for what in &told.done {
        if let Some(link) = what.strip_prefix(&format!("invite {who} ")) {
            let link = link.split_once(' ').unwrap().1;
            let secret = Invite::from_link(link).unwrap().secret;
            let kept = invites.iter().any(|invite| invite.secret == secret);
            assert!(kept, "{when}: an invite is gone");
        }
    }
    let reader = account.reader().unwrap();
    let contacts = contacts(&reader).unwrap();
    assert_eq!(contacts.len(), 1, "{when}: {who} has one contact");
    let contact = &contacts[0];
    let state = ContactState::from(contact.state);
    assert_eq!(state, ContactState::Accepted, "{when}: {who}");
    if who == 0 {
        assert_eq!(contact.name, "Bob", "{when}: {}", account_id(&contact.chat));
    }
    let page = messages(&reader, &contact.conversation);
    let shown: Vec<Shown> = page
        .unwrap()
        .into_iter()
        .rev()
        .map(|message| Shown {
            mine: message.is_own(),
            text: message.text.unwrap_or_default(),
            state: MessageState::from(message.state),
        })
        .collect();
    for one in shown.iter().filter(|one| one.mine) {
        assert!(
            (MessageState::Delivered..=MessageState::Read).contains(&one.state),
            "{when}: {who} {:?} is {:?}",
            one.text,
            one.state
        );
    }
    shown
}

/// A tag names one key of one session, and a tag with its random bytes one nonce. Neither may seal two plaintexts.
fn keys(told: &Told, when: &str) {
    let mut by_tag = BTreeMap::new();
    let mut by_nonce = BTreeMap::new();
    for one in &told.relayed {
        let envelope = Envelope::decode(&one.payload).unwrap();
        if one.topic.contains("/h") {
            let first = *by_tag.entry(envelope.tag).or_insert(&one.payload);
            assert!(*first == one.payload, "{when}: a key was used twice");
        }
        let nonce = (envelope.tag, envelope.random);
        let first = *by_nonce.entry(nonce).or_insert(&one.payload);
        assert!(*first == one.payload, "{when}: a nonce was used twice");
    }
}

/// Panics unless everything was delivered soon after that was possible.
fn settled(told: &Told, when: &str) {
    let settled = told.done.iter();
    let settled = settled.filter_map(|what| what.strip_prefix("settled ")?.parse().ok());
    let slowest: Option<i64> = settled.max();
    assert!(slowest.is_some_and(|ms| ms <= 5 * MINUTE), "{when}: {slowest:?} ms until all was delivered");
}
