//! What a message carries beside its text, in lines of the program. No text can look like one: every further line of a
//! text begins with [`lines::MORE`].

use std::collections::HashMap;

use sotto_messenger::records::{Author, Contact, ContactId, Message, NewMention, Poll, Reaction};

use super::people::{clock, date};
use super::{files, groups, lines};

/// Begins the line above a message: what it replies to.
pub(super) const ABOVE: &str = "      ╭ ";
/// Begins a file, or a choice of a poll.
const CHOICE: &str = "      ├ ";
/// Begins the last line below a message.
const BELOW: &str = "      ╰ ";
/// Columns of a text that only names its message.
const QUOTE: usize = 40;
/// Most mentions of a text.
const MENTIONS: usize = 32;
const DAY_MS: i64 = 86_400_000;

/// The others of a conversation.
#[derive(Clone, Copy)]
pub(super) enum Them<'a> {
    /// One person, and the name in front of their messages.
    One { id: &'a ContactId, label: &'a str },
    /// The names of a group's members, with this account.
    Many(&'a HashMap<ContactId, String>),
}

impl<'a> Them<'a> {
    /// The name of somebody in the conversation.
    pub(super) fn name(self, id: &ContactId) -> &'a str {
        match self {
            Self::One { id: theirs, label } => {
                if id == theirs {
                    label
                } else {
                    "you"
                }
            }
            Self::Many(names) => names.get(id).map_or("(no member)", String::as_str),
        }
    }

    /// The author of a message of somebody else.
    pub(super) fn author(self, author: Option<&Author>) -> String {
        match (self, author) {
            (Self::One { label, .. }, _) => label.to_owned(),
            (Self::Many(names), Some(author)) => {
                names.get(&author.contact).cloned().unwrap_or_else(|| groups::author(author))
            }
            (Self::Many(_), None) => "(no member)".to_owned(),
        }
    }
}

/// The line above a message.
pub(super) fn above(message: &Message, them: Them<'_>) -> Option<String> {
    let reply = message.reply.as_ref()?;
    let text = if reply.text.is_empty() { "files".into() } else { flat(&reply.text) };
    let whose = match reply.mine {
        _ if reply.gone => return Some(format!("{ABOVE}a message that is gone")),
        Some(true) => "you".to_owned(),
        Some(false) => them.author(reply.author.as_ref()),
        None => "a message that is not here".to_owned(),
    };
    Some(format!("{ABOVE}{whose}: {text}"))
}

/// The lines below a message: first its files, one a line; then the choices of a poll, a link, and a last line with
/// everything else.
pub(super) fn below(message: &Message, them: Them<'_>) -> Vec<String> {
    let mut lines: Vec<String> = files::of(message).iter().map(|file| format!("{CHOICE}{file}")).collect();
    let mut notes: Vec<String> = message.reactions.iter().map(reaction).collect();
    let mut note = |is: bool, what: &str| notes.extend(is.then(|| what.to_owned()));
    note(message.edited, "edited");
    note(message.pinned, "pinned");
    note(message.forwarded, "forwarded");
    if let Some(poll) = &message.poll {
        lines.extend(choices(poll, them));
        note(true, if poll.multiple { "poll, several choices" } else { "poll, one choice" });
        notes.extend(poll.end_ms.map(|end_ms| format!("ends {}", moment(end_ms))));
    }
    if let Some(preview) = &message.preview {
        lines.push(format!("{CHOICE}link: {}", flat(&format!("{} {}", preview.title, preview.text))));
    }
    match message.expires_ms {
        Some(ms) => notes.push(format!("disappears {}", moment(ms))),
        None if message.timer_s > 0 => notes.push(format!("disappears {} after reading", span(message.timer_s))),
        None => {}
    }
    if !notes.is_empty() {
        lines.push(format!("{BELOW}{}", notes.join(" · ")));
    }
    lines
}

/// The people that a text names, for a screen without colours.
pub(super) fn named(message: &Message, them: Them<'_>) -> Option<String> {
    let name = |contact: &Option<ContactId>| match contact {
        Some(id) => them.name(id).to_owned(),
        None => "everybody".to_owned(),
    };
    let mut names: Vec<String> = message.mentions.iter().map(|one| name(&one.contact)).collect();
    names.dedup();
    (!names.is_empty()).then(|| format!("{BELOW}names {}", names.join(", ")))
}

/// The beginning of a message, to name it by.
pub(super) fn quoted(message: &Message, them: Them<'_>) -> String {
    let whose = if message.mine { "your".to_owned() } else { format!("{}'s", them.author(message.author.as_ref())) };
    match beginning(message) {
        text if !text.is_empty() => format!("{whose} “{}”", lines::fit(&text, QUOTE).replace(['“', '”'], "\"")),
        _ => format!("{whose} message of {}", clock(message.time_ms)),
    }
}

/// The text of a message on one line; without one the names of its files.
pub(super) fn beginning(message: &Message) -> String {
    match message.text.as_deref().unwrap_or_default() {
        "" => flat(&message.files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>().join(", ")),
        text => flat(text),
    }
}

/// Mentions of these contacts in a text to send: `@` and a contact's name.
pub(super) fn mentions(text: &str, contacts: &[Contact]) -> Vec<NewMention> {
    let mut found = Vec::new();
    let mut from = 0;
    for (at, _) in text.match_indices('@').filter(|(at, _)| !follows_word(text, *at)) {
        let rest = text.get(at.saturating_add(1)..).unwrap_or_default();
        let fits = |(name, _): &(&String, &ContactId)| {
            let behind = rest.strip_prefix(name.as_str()).filter(|_| !name.is_empty());
            behind.is_some_and(|behind| !behind.starts_with(char::is_alphanumeric))
        };
        let names = contacts.iter().flat_map(|one| [(&one.name, &one.id), (&one.own_name, &one.id)]);
        let name = names.filter(fits).max_by_key(|(name, _)| name.len());
        if let Some((name, id)) = name.filter(|_| at >= from && found.len() < MENTIONS) {
            let length = name.len().saturating_add(1);
            from = at.saturating_add(length);
            let place = |n| u32::try_from(n).unwrap_or(u32::MAX);
            found.push(NewMention { offset: place(at), length: place(length), contact: Some(id.clone()) });
        }
    }
    found
}

/// Whether a place is inside a word, as in an e-mail address.
fn follows_word(text: &str, at: usize) -> bool {
    text.get(..at).is_some_and(|before| before.ends_with(char::is_alphanumeric))
}

/// A reaction in brackets, which nothing else of the line has and no emoji can close.
fn reaction(one: &Reaction) -> String {
    let emoji = flat(&one.emoji).replace(['[', ']'], "\u{fffd}");
    match (one.count, one.mine) {
        (1, true) => format!("[{emoji} you]"),
        (count, true) => format!("[{emoji} {count}, you]"),
        (count, false) => format!("[{emoji} {count}]"),
    }
}

/// The votes stand in front, where no choice's text reaches.
fn choices(poll: &Poll, them: Them<'_>) -> Vec<String> {
    let line = |(number, choice): (u32, &sotto_messenger::records::PollChoice)| {
        let voters: Vec<&str> = choice.voters.iter().map(|id| them.name(id)).collect();
        let voters = if voters.is_empty() { String::new() } else { format!(": {}", voters.join(", ")) };
        format!("{CHOICE}{number} ({}{voters}) {}", choice.voters.len(), flat(&choice.text))
    };
    (1..).zip(&poll.choices).map(line).collect()
}

/// A text on one line.
pub(super) fn flat(text: &str) -> String {
    lines::harmless(text).replace('\n', " ")
}

/// Date and time, UTC.
pub(super) fn moment(ms: i64) -> String {
    format!("{} {}", date(ms.div_euclid(DAY_MS)), clock(ms))
}

/// A timer in its largest whole unit.
pub(super) fn span(seconds: u32) -> String {
    let units = [(604_800, "week", "weeks"), (86_400, "day", "days"), (3600, "h", "h"), (60, "min", "min")];
    let whole = |(size, ..): &(u32, &str, &str)| seconds > 0 && seconds.checked_rem(*size) == Some(0);
    match units.into_iter().find(whole).map(|(size, one, many)| (seconds.checked_div(size).unwrap_or(0), one, many)) {
        Some((1, one, _)) => format!("1 {one}"),
        Some((count, _, many)) => format!("{count} {many}"),
        None => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::people::tests::{contact, message};
    use sotto_messenger::records::{Mention, MessageId, PollChoice, Reply};

    fn them(id: &ContactId) -> Them<'_> {
        Them::One { id, label: "Bob" }
    }

    #[test]
    fn a_reply_shows_what_it_replies_to() {
        let id = ContactId("1".into());
        let mut one = message("m", "c", "yes");
        assert_eq!(above(&one, them(&id)), None);
        let reply = |text: &str, mine, gone| {
            Some(Reply { message: MessageId("x".into()), text: text.into(), mine, author: None, gone })
        };
        for (reply, line) in [
            (reply("shall we?\n12:00 Bob: no", Some(true), false), "you: shall we? 12:00 Bob: no"),
            (reply("I\u{202e}\u{1b}[2J", Some(false), false), "Bob: I\u{fffd}\u{fffd}[2J"),
            (reply("quoted", None, false), "a message that is not here: quoted"),
            (reply("", Some(true), true), "a message that is gone"),
        ] {
            one.reply = reply;
            assert_eq!(above(&one, them(&id)), Some(format!("{ABOVE}{line}")));
        }
    }

    #[test]
    fn everything_that_happened_to_a_message_stands_below_it() {
        let id = ContactId("1".into());
        let mut one = message("m", "c", "where to?");
        assert_eq!(below(&one, them(&id)), [] as [&str; 0]);
        let reaction = |emoji: &str, count, mine| Reaction { emoji: emoji.into(), count, mine };
        one.reactions = vec![reaction("👍", 2, true), reaction("❤️", 1, true), reaction("x]·edited·[y", 1, false)];
        (one.edited, one.pinned, one.forwarded, one.timer_s) = (true, true, true, 3600);
        let forged = "[x\u{fffd}·edited·\u{fffd}y 1]";
        let notes = format!("      ╰ [👍 2, you] · [❤️ you] · {forged} · edited · pinned · forwarded");
        assert_eq!(below(&one, them(&id)), [format!("{notes} · disappears 1 h after reading")]);
        one.expires_ms = Some(86_460_000);
        assert_eq!(below(&one, them(&id)), [format!("{notes} · disappears 1970-01-02 00:01")]);
    }

    #[test]
    fn a_poll_shows_its_votes_where_no_choice_can_forge_them() {
        let id = ContactId("1".into());
        let mut one = message("m", "c", "where to?");
        let choice = |text: &str, voters: &[&str]| PollChoice {
            text: text.into(),
            voters: voters.iter().map(|id| ContactId((*id).into())).collect(),
            mine: voters.contains(&"own"),
        };
        let choices = vec![choice("sea\n", &["1", "own"]), choice("hills (9: you)", &[])];
        one.poll = Some(Poll { choices, multiple: true, end_ms: Some(0) });
        let wanted = [
            "      ├ 1 (2: Bob, you) sea ",
            "      ├ 2 (0) hills (9: you)",
            "      ╰ poll, several choices · ends 1970-01-01 00:00",
        ];
        assert_eq!(below(&one, them(&id)), wanted);
    }

    #[test]
    fn a_name_behind_an_at_sign_is_a_mention() {
        let mut bob = contact("1", "Bobby", "🐙");
        bob.own_name = "Bob".into();
        let found = |text: &str| -> Vec<String> {
            let place = |one: NewMention| text[one.offset as usize..][..one.length as usize].to_owned();
            mentions(text, std::slice::from_ref(&bob)).into_iter().map(place).collect()
        };
        assert_eq!(found("hi @Bob, é @Bobby!"), ["@Bob", "@Bobby"]);
        assert_eq!(found("@Bobbys bob@Bob.example @bob @ Bob Bob"), [] as [&str; 0]);
        assert_eq!(found(&"@Bob ".repeat(40)).len(), 32);
        let id = ContactId("1".into());
        let mut one = message("m", "c", "@Bob @Alice");
        assert_eq!(named(&one, them(&id)), None);
        let mention = |contact: Option<&str>| Mention {
            offset: 0,
            length: 4,
            contact: contact.map(|id| ContactId(id.into())),
            name: String::new(),
        };
        one.mentions = vec![mention(Some("1")), mention(Some("own")), mention(None)];
        assert_eq!(named(&one, them(&id)).unwrap(), "      ╰ names Bob, you, everybody");
    }

    #[test]
    fn a_message_is_named_by_its_beginning() {
        let id = ContactId("1".into());
        let mut one = message("m", "c", &format!("“two”\nlines {}", "long ".repeat(20)));
        assert!(quoted(&one, them(&id)).starts_with("Bob's “\"two\" lines long"));
        one.mine = true;
        assert!(quoted(&one, them(&id)).starts_with("your “"));
        one.text = None;
        assert_eq!(quoted(&one, them(&id)), "your message of 00:00");
    }

    #[test]
    fn in_a_group_everybody_has_a_name() {
        let name = |id: &str, name: &str| (ContactId(id.into()), name.to_owned());
        let names = HashMap::from([name("1", "Bob"), name("own", "you")]);
        let (them, mut one) = (Them::Many(&names), message("m", "c", "yes"));
        let author = |id: &str, name: &str| Some(Author { contact: ContactId(id.into()), name: name.into() });
        one.author = author("1", "Robert");
        assert_eq!(quoted(&one, them), "Bob's “yes”");
        one.author = author("zQ3sh1234567", "");
        assert_eq!(quoted(&one, them), "(…234567)'s “yes”");
        one.author = author("9", "Eve");
        assert_eq!(quoted(&one, them), "Eve's “yes”", "who left");
        assert_eq!((them.name(&ContactId("own".into())), them.name(&ContactId("9".into()))), ("you", "(no member)"));
    }

    #[test]
    fn timers_are_spans() {
        let spans = [5, 60, 90, 7200, 86_400 * 3, 604_800, 0].map(span);
        assert_eq!(spans, ["5 s", "1 min", "90 s", "2 h", "3 days", "1 week", "0 s"]);
    }
}
