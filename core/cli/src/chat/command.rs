//! Commands of both forms of `sotto chat`.

use sotto_messenger::engine::input::ContactAction;
use sotto_messenger::records::NewPoll;

use super::deed::Deed;
use super::files::{Sending, path_and_text};
use super::groups::Rule;
use super::keep::Keep;

/// All command words.
pub(super) const WORDS: [&str; 54] = [
    "help",
    "invite",
    "invites",
    "close",
    "add",
    "contacts",
    "to",
    "accept",
    "decline",
    "block",
    "unblock",
    "file",
    "send",
    "original",
    "save",
    "files",
    "safety",
    "verify",
    "seen",
    "last",
    "retry",
    "name",
    "phrase",
    "offline",
    "online",
    "mute",
    "archive",
    "top",
    "clear",
    "nickname",
    "remove",
    "reply",
    "react",
    "edit",
    "unsend",
    "delete",
    "pin",
    "pins",
    "vote",
    "forward",
    "history",
    "timer",
    "poll",
    "multipoll",
    "search",
    "jump",
    "group",
    "members",
    "bring",
    "admin",
    "demote",
    "kick",
    "leave",
    "quit",
];

/// A typed line. `Who` is the way people are named: by number line by line, by name on the full screen. `Which` is the
/// way messages are: by number line by line; on the full screen the picked message is meant.
#[derive(PartialEq, Eq)]
pub(super) enum Command<Who, Which> {
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
    Send(Sending),
    Files,
    Safety,
    Verify,
    Seen,
    Last,
    Retry,
    Name(String),
    /// The path of the own picture; none removes it.
    Avatar(Option<String>),
    Phrase,
    Online(bool),
    Keep(Keep),
    Remove(Who),
    Deed(Which, Deed),
    Forward(Which, Vec<Who>),
    Pins,
    Search(String),
    Jump(usize),
    /// Makes a group of this name.
    Group(String, Vec<Who>),
    /// Invites to the open group.
    Bring(Vec<Who>),
    Rule(Rule),
    Quit,
}

/// Reads a line. `None` for an empty line; `Err` says what to type instead. `who` reads the person that a command is
/// about, `which` the message and what follows it.
pub(super) fn parse<Who, Which>(
    line: &str,
    who: impl Fn(&str) -> Result<Who, &'static str>,
    which: impl Fn(&str) -> Result<(Which, &str), &'static str>,
) -> Result<Option<Command<Who, Which>>, &'static str> {
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
        "send" | "original" => {
            let (path, text) = path_and_text(rest);
            if path.is_empty() {
                return Err("Say which file, by its path: /send PATH, or /send \"A PATH\" TEXT");
            }
            Command::Send(Sending { path, text: text.to_owned(), as_is: word == "original" })
        }
        "files" => Command::Files,
        "safety" => Command::Safety,
        "verify" => Command::Verify,
        "seen" => Command::Seen,
        "last" => Command::Last,
        "retry" => Command::Retry,
        "name" => Command::Name(rest.to_owned()),
        "avatar" => Command::Avatar(Some(path_and_text(rest).0).filter(|path| !path.is_empty())),
        "phrase" => Command::Phrase,
        "offline" => Command::Online(false),
        "online" => Command::Online(true),
        "remove" => Command::Remove(who(rest)?),
        "forward" => {
            let (message, people) = which(rest)?;
            Command::Forward(message, several(people, &who)?)
        }
        "pins" => Command::Pins,
        "search" if rest.is_empty() => return Err("/search needs words."),
        "search" => Command::Search(rest.to_owned()),
        "jump" => Command::Jump(hash(rest).parse().map_err(|_| "Say the number that the list shows: /jump 1")?),
        "group" => {
            let (name, people) =
                rest.split_once('|').ok_or("Write the name and whom to invite: /group Lake | WHO, WHO")?;
            Command::Group(name.trim().to_owned(), several(people, &who)?)
        }
        "bring" => Command::Bring(several(rest, &who)?),
        "members" => Command::Rule(Rule::Members),
        "admin" => Command::Rule(Rule::Admin(member(rest)?)),
        "demote" => Command::Rule(Rule::Demote(member(rest)?)),
        "kick" => Command::Rule(Rule::Kick(member(rest)?)),
        "leave" => Command::Rule(Rule::Leave),
        "quit" => Command::Quit,
        _ => match keep(word, rest)? {
            Some(keep) => Command::Keep(keep),
            None if WORDS.contains(&word) => {
                let (message, rest) = which(rest)?;
                Command::Deed(message, deed(word, rest.trim())?)
            }
            None => return Err(UNKNOWN),
        },
    }))
}

/// People between commas.
fn several<Who>(text: &str, who: &impl Fn(&str) -> Result<Who, &'static str>) -> Result<Vec<Who>, &'static str> {
    text.split(',').map(|one| who(one.trim())).collect()
}

/// A member by its number.
fn member(text: &str) -> Result<usize, &'static str> {
    hash(text).parse().map_err(|_| "Say the member's number: /members shows it.")
}

const UNKNOWN: &str = "There is no such command: /help shows them.";

/// A command about the open conversation.
fn keep(word: &str, rest: &str) -> Result<Option<Keep>, &'static str> {
    Ok(Some(match word {
        "mute" if rest.is_empty() => Keep::Mute(None),
        "mute" => Keep::Mute(Some(rest.parse().map_err(|_| "Give a number of hours: /mute 8")?)),
        "archive" => Keep::Archive,
        "top" => Keep::Top,
        "clear" => Keep::Clear,
        "nickname" => Keep::Nickname(rest.to_owned()),
        "timer" => Keep::Timer(rest.parse().map_err(|_| "Give a number of seconds: /timer 3600; /timer 0 ends it.")?),
        "poll" | "multipoll" => {
            let mut parts = rest.split('|').map(|part| part.trim().to_owned());
            let question = parts.next().unwrap_or_default();
            let choices: Vec<String> = parts.collect();
            if question.is_empty() || choices.len() < 2 {
                return Err("Write the question and its choices: /poll Where to? | the sea | the hills");
            }
            Keep::Poll(NewPoll { question, choices, multiple: word == "multipoll", end_ms: None })
        }
        _ => return Ok(None),
    }))
}

/// A command about a message.
fn deed(word: &str, rest: &str) -> Result<Deed, &'static str> {
    Ok(match word {
        "unsend" | "delete" | "pin" | "history" if !rest.is_empty() => {
            return Err("Nothing belongs behind this command: on the full screen it means the picked message.");
        }
        "reply" => Deed::Reply(rest.to_owned()),
        "react" if rest.is_empty() => return Err("/react needs an emoji."),
        "react" => Deed::React(rest.to_owned()),
        "edit" => Deed::Edit(rest.to_owned()),
        "unsend" => Deed::Unsend,
        "delete" => Deed::Delete,
        "pin" => Deed::Pin,
        "vote" => Deed::Vote(votes(rest).ok_or("Say the choice's number: /vote 2; /vote 0 takes the vote back.")?),
        "history" => Deed::History,
        "save" => {
            let (number, path) = rest.split_once(' ').unwrap_or((if rest.is_empty() { "1" } else { rest }, ""));
            let number = hash(number).parse().map_err(|_| "Say which file of the message: /save 1")?;
            Deed::Save { number, path: Some(path.trim().to_owned()).filter(|path| !path.is_empty()) }
        }
        _ => return Err(UNKNOWN),
    })
}

/// Places of choices, from their numbers; 0 alone is none.
fn votes(text: &str) -> Option<Vec<u8>> {
    let numbers = text.split([' ', ',']).filter(|one| !one.is_empty());
    let numbers = numbers.map(str::parse).collect::<Result<Vec<u8>, _>>().ok()?;
    match numbers.as_slice() {
        [] => None,
        [0] => Some(Vec::new()),
        _ => numbers.into_iter().map(|number| number.checked_sub(1)).collect(),
    }
}

/// A number as it is shown, without its sign.
fn hash(text: &str) -> &str {
    text.strip_prefix('#').unwrap_or(text)
}

/// The message of a command by its number, and what follows.
pub(super) fn numbered(text: &str) -> Result<(usize, &str), &'static str> {
    let (number, rest) = text.split_once(' ').unwrap_or((text, ""));
    let number = hash(number).parse().map_err(|_| "Say the message's number: /last and /search show it.")?;
    Ok((number, rest))
}

/// The picked message is meant: nothing names it.
pub(super) fn picked(text: &str) -> Result<((), &str), &'static str> {
    Ok(((), text))
}

/// The person of a command, by the number that /contacts shows.
pub(super) fn number(text: &str) -> Result<usize, &'static str> {
    text.parse().map_err(|_| "Say the number that /contacts shows.")
}

/// The person of a command, by name; without a name the open conversation's.
pub(super) fn name(text: &str) -> Result<String, &'static str> {
    Ok(text.to_owned())
}

impl<Who, Which> std::fmt::Debug for Command<Who, Which> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Command(..)")
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A whole command of a word. `message` names the message line by line.
    pub(in crate::chat) fn example(word: &str, message: &str) -> String {
        let rest = match word {
            "add" | "name" | "file" | "send" | "original" | "search" => "x".to_owned(),
            "react" => format!("{message} 👍"),
            "reply" | "edit" => format!("{message} x"),
            "unsend" | "delete" | "pin" | "history" => message.to_owned(),
            "vote" | "forward" | "save" => format!("{message} 1"),
            "poll" | "multipoll" => "where? | here | there".to_owned(),
            "group" => "Lake | 1".to_owned(),
            _ => "1".to_owned(),
        };
        format!("/{word} {rest}")
    }

    #[test]
    fn lines_are_texts_unless_they_begin_with_one_slash() {
        let parse = |line| parse(line, number, numbered);
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
        let by_name = parse("/accept Eve Adams ", name, picked);
        assert_eq!(by_name, Ok(Some(Command::Answer(ContactAction::Accept, "Eve Adams".into()))));
        assert_eq!(parse("/block", name, picked), Ok(Some(Command::Answer(ContactAction::Block, String::new()))));
    }

    #[test]
    fn messages_are_numbered_or_picked() {
        let deed = |what| Ok(Some(Command::Deed(7, what)));
        let line = |line| parse(line, number, numbered);
        assert_eq!(line("/reply #7 two words "), deed(Deed::Reply("two words".into())));
        assert_eq!(line("/react 7 👍"), deed(Deed::React("👍".into())));
        assert_eq!(line("/vote 7 1 3"), deed(Deed::Vote(vec![0, 2])));
        assert_eq!(line("/vote 7 0"), deed(Deed::Vote(Vec::new())));
        assert_eq!(line("/forward 7 1, 2"), Ok(Some(Command::Forward(7, vec![1, 2]))));
        assert_eq!(line("/jump #3"), Ok(Some(Command::Jump(3))));
        for bad in
            ["/reply", "/reply all yes", "/react 7", "/vote 7", "/vote 7 0 1", "/vote 7 300", "/forward 7", "/pin 7 8"]
        {
            assert!(line(bad).is_err(), "{bad}");
        }
        let picked = |line| parse(line, name, picked);
        assert_eq!(picked("/edit"), Ok(Some(Command::Deed((), Deed::Edit(String::new())))));
        assert!(picked("/unsend 7").is_err(), "it would mean another message than the seventh");
        let people = vec!["Bob".to_owned(), "Eve Adams".to_owned()];
        assert_eq!(picked("/forward Bob, Eve Adams"), Ok(Some(Command::Forward((), people))));
    }

    #[test]
    fn a_file_is_named_by_its_path_and_saved_by_its_number() {
        let line = |line| parse(line, number, numbered);
        let send = |path: &str, text: &str, as_is| {
            Ok(Some(Command::Send(Sending { path: path.into(), text: text.into(), as_is })))
        };
        assert_eq!(line("/send 'my cat.jpg' look"), send("my cat.jpg", "look", false));
        assert_eq!(line("/original cat.jpg"), send("cat.jpg", "", true));
        assert!(line("/send ").is_err());
        let save = |number, path: Option<&str>| Deed::Save { number, path: path.map(str::to_owned) };
        assert_eq!(line("/save 7 #2 to here"), Ok(Some(Command::Deed(7, save(2, Some("to here"))))));
        assert_eq!(line("/save 7"), Ok(Some(Command::Deed(7, save(1, None)))));
        assert!(line("/save 7 there").is_err());
        assert_eq!(parse("/save 2", name, picked), Ok(Some(Command::Deed((), save(2, None)))));
        assert_eq!(line("/files"), Ok(Some(Command::Files)));
    }

    #[test]
    fn a_poll_has_a_question_and_choices() {
        let parse = |line| parse(line, name, picked);
        let choices = ["the sea", "the hills"].map(str::to_owned).to_vec();
        let poll = |multiple| {
            let poll = NewPoll { question: "Where to?".into(), choices: choices.clone(), multiple, end_ms: None };
            Ok(Some(Command::Keep(Keep::Poll(poll))))
        };
        assert_eq!(parse("/poll Where to? | the sea|the hills"), poll(false));
        assert_eq!(parse("/multipoll Where to? | the sea | the hills"), poll(true));
        assert!(parse("/poll Where to? | the sea").is_err());
        assert!(parse("/poll | the sea | the hills").is_err());
        assert_eq!(parse("/timer 60"), Ok(Some(Command::Keep(Keep::Timer(60)))));
        assert!(parse("/timer soon").is_err());
    }

    #[test]
    fn a_group_has_a_name_and_members_by_number() {
        let line = |line| parse(line, number, numbered);
        assert_eq!(line("/group By the lake | 1, 3"), Ok(Some(Command::Group("By the lake".into(), vec![1, 3]))));
        assert_eq!(line("/bring 2"), Ok(Some(Command::Bring(vec![2]))));
        assert_eq!(line("/kick #2"), Ok(Some(Command::Rule(Rule::Kick(2)))));
        let whom = vec!["Bob".to_owned(), "Eve Adams".to_owned()];
        assert_eq!(parse("/group Lake | Bob, Eve Adams", name, picked), Ok(Some(Command::Group("Lake".into(), whom))));
        for bad in ["/group Lake", "/group Lake | Bob", "/kick Bob", "/admin", "/bring"] {
            assert!(line(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_word_is_a_command() {
        for word in WORDS {
            assert!(parse(&example(word, ""), name, picked).is_ok(), "{word}");
            assert!(parse(&example(word, "1"), number, numbered).is_ok(), "{word}");
        }
    }
}
