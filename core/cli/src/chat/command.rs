//! Commands of both forms of `sotto chat`.

use sotto_messenger::engine::input::ContactAction;

use super::keep::Keep;

/// All command words.
pub(super) const WORDS: [&str; 27] = [
    "help", "invite", "invites", "close", "add", "contacts", "to", "accept", "decline", "block", "unblock", "file",
    "safety", "verify", "seen", "history", "retry", "name", "phrase", "offline", "online", "mute", "archive", "pin",
    "delete", "nickname", "remove",
];

/// A typed line. `Who` is the way people are named: by number line by line, by name on the full screen.
#[derive(PartialEq, Eq)]
pub(super) enum Command<Who> {
    Say(String),
    Help,
    Invite,
    Invites,
    Close(usize),
    Add(String, Option<String>),
    Contacts,
    To(Who),
    Answer(ContactAction, Who),
    File(String),
    Safety,
    Verify,
    Seen,
    History,
    Retry,
    Name(String),
    Phrase,
    Online(bool),
    Keep(Keep),
    Remove(Who),
    Quit,
}

/// Reads a line. `None` for an empty line; `Err` says what to type instead. `who` reads the person that a command is
/// about.
pub(super) fn parse<Who>(
    line: &str,
    who: impl Fn(&str) -> Result<Who, &'static str>,
) -> Result<Option<Command<Who>>, &'static str> {
    let line = line.trim_end();
    if line.is_empty() {
        return Ok(None);
    }
    let Some(command) = line.strip_prefix('/') else {
        return Ok(Some(Command::Say(line.to_owned())));
    };
    if command.starts_with('/') {
        return Ok(Some(Command::Say(command.to_owned())));
    }
    let (word, rest) = command.split_once(' ').unwrap_or((command, ""));
    let rest = rest.trim();
    Ok(Some(match word {
        "help" => Command::Help,
        "invite" => Command::Invite,
        "invites" => Command::Invites,
        "close" => Command::Close(rest.parse().map_err(|_| "Say the number that /invites shows.")?),
        "add" if rest.is_empty() => return Err("/add needs a link."),
        "add" => {
            let (link, text) = rest.split_once(' ').unwrap_or((rest, ""));
            let text = Some(text.trim().to_owned()).filter(|text| !text.is_empty());
            Command::Add(link.to_owned(), text)
        }
        "contacts" => Command::Contacts,
        "to" => Command::To(who(rest)?),
        "accept" => Command::Answer(ContactAction::Accept, who(rest)?),
        "decline" => Command::Answer(ContactAction::Decline, who(rest)?),
        "block" => Command::Answer(ContactAction::Block, who(rest)?),
        "unblock" => Command::Answer(ContactAction::Unblock, who(rest)?),
        "file" if rest.is_empty() => return Err("/file needs a path."),
        "file" => Command::File(rest.to_owned()),
        "safety" => Command::Safety,
        "verify" => Command::Verify,
        "seen" => Command::Seen,
        "history" => Command::History,
        "retry" => Command::Retry,
        "name" => Command::Name(rest.to_owned()),
        "phrase" => Command::Phrase,
        "offline" => Command::Online(false),
        "online" => Command::Online(true),
        "mute" if rest.is_empty() => Command::Keep(Keep::Mute(None)),
        "mute" => Command::Keep(Keep::Mute(Some(rest.parse().map_err(|_| "Give a number of hours: /mute 8")?))),
        "archive" => Command::Keep(Keep::Archive),
        "pin" => Command::Keep(Keep::Pin),
        "delete" => Command::Keep(Keep::Delete),
        "nickname" => Command::Keep(Keep::Nickname(rest.to_owned())),
        "remove" => Command::Remove(who(rest)?),
        "quit" => Command::Quit,
        _ => return Err("There is no such command: /help shows them."),
    }))
}

/// The person of a command, by the number that /contacts shows.
pub(super) fn number(text: &str) -> Result<usize, &'static str> {
    text.parse().map_err(|_| "Say the number that /contacts shows.")
}

/// The person of a command, by name; without a name the open conversation's.
pub(super) fn name(text: &str) -> Result<String, &'static str> {
    Ok(text.to_owned())
}

impl<Who> std::fmt::Debug for Command<Who> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Command(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_texts_unless_they_begin_with_one_slash() {
        let parse = |line| parse(line, number);
        let say = |text: &str| Ok(Some(Command::Say(text.to_owned())));
        assert_eq!(parse(""), Ok(None));
        assert_eq!(parse("hello /there "), say("hello /there"));
        assert_eq!(parse("//etc"), say("/etc"));
        assert_eq!(parse("/quit"), Ok(Some(Command::Quit)));
        assert_eq!(parse("/accept 2"), Ok(Some(Command::Answer(ContactAction::Accept, 2))));
        let add = |text: Option<&str>| Ok(Some(Command::Add("https://x#y".into(), text.map(str::to_owned))));
        assert_eq!(parse("/add https://x#y"), add(None));
        assert_eq!(parse("/add https://x#y it is me"), add(Some("it is me")));
        assert!(parse("/add").is_err());
        assert!(parse("/to me").is_err());
        assert!(parse("/quti").is_err());
    }

    #[test]
    fn people_are_named_where_there_is_a_screen() {
        let by_name = parse("/accept Eve Adams ", name);
        assert_eq!(by_name, Ok(Some(Command::Answer(ContactAction::Accept, "Eve Adams".into()))));
        assert_eq!(parse("/block", name), Ok(Some(Command::Answer(ContactAction::Block, String::new()))));
    }

    #[test]
    fn every_word_is_a_command() {
        for word in WORDS {
            let line = format!("/{word} 1");
            assert!(parse(&line, name).is_ok(), "{word}");
        }
    }
}
