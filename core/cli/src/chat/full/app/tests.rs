use super::*;
use crate::chat::people::tests::{contact, message};
use crossterm::event::{KeyCode, KeyModifiers};
use sotto_messenger::Code;
use sotto_messenger::records::{LastMessage, MessageState};

/// Alice's screen: Bob and Carol are contacts, Eve asks.
pub(in crate::chat::full) fn screen() -> App {
    let mut app = App::new(Mode::Light, (80, 24));
    app.handle(0, people(&everybody(), &["1", "2", "3"]));
    app
}

pub(in crate::chat::full) fn everybody() -> Vec<Contact> {
    let mut eve = contact("3", "Eve", "🐝");
    (eve.state, eve.request_text) = (ContactState::Incoming, Some("it is me".into()));
    vec![contact("1", "Bob", "🐙"), contact("2", "Carol", "🦊"), eve]
}

/// These contacts, and their conversations in this order.
pub(in crate::chat::full) fn people(contacts: &[Contact], order: &[&str]) -> Input {
    let own = AccountInfo {
        id: ContactId("own".into()),
        name: "Alice".into(),
        emoji_hash: vec!["🍀".into(); 14],
        color_ring: Vec::new(),
        picture: None,
    };
    let conversation = |id: &&str| Conversation {
        id: ConversationId(format!("c{id}")),
        contact: Some(ContactId((*id).into())),
        name: String::new(),
        own_name: String::new(),
        picture: None,
        state: Some(ContactState::Accepted),
        group: None,
        unread: 0,
        marked_unread: false,
        pinned: false,
        archived: false,
        muted: false,
        muted_until_ms: None,
        draft: String::new(),
        draft_reply_to: None,
        timer_s: 0,
        last: Some(LastMessage {
            id: MessageId(format!("m{id}")),
            mine: false,
            author: None,
            text: Some(format!("newest of {id}")),
            newer: false,
            fetching: false,
            deleted: false,
            state: MessageState::Received,
        }),
        last_ms: 0,
        cursor: String::new(),
    };
    let conversations = order.iter().map(conversation).collect();
    Input::People { own: Some(own), contacts: contacts.to_vec(), conversations }
}

fn key(code: KeyCode) -> Input {
    Input::Key(KeyEvent::new(code, KeyModifiers::NONE))
}

pub(in crate::chat::full) fn ctrl_key(code: KeyCode) -> Input {
    Input::Key(KeyEvent::new(code, KeyModifiers::CONTROL))
}

fn ctrl(c: char) -> Input {
    Input::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL))
}

/// Types a text; returns the actions.
pub(in crate::chat::full) fn typed(app: &mut App, text: &str) -> Vec<Action> {
    let one = |c: char| key(if c == '\n' { KeyCode::Enter } else { KeyCode::Char(c) });
    text.chars().flat_map(|c| app.handle(0, one(c))).collect()
}

/// Opens a conversation by name, and draws it.
pub(in crate::chat::full) fn open(app: &mut App, name: &str) {
    app.handle(0, ctrl('o'));
    typed(app, &format!("to {name}\n"));
    assert_eq!(app.view.as_ref().unwrap().label(), name);
    app.handle(0, Input::Drawn);
}

fn sends(actions: &[Action]) -> Vec<(&str, &str)> {
    let mut sends = Vec::new();
    for action in actions {
        if let Action::Send { conversation, text, .. } = action {
            sends.push((conversation.0.as_str(), text.as_str()));
        }
    }
    sends
}

fn said(app: &App) -> &str {
    app.said.as_deref().unwrap_or_default()
}

/// Whatever happens between two keys, a text goes to the conversation where it was begun.
#[test]
fn a_text_goes_to_whom_it_was_begun_for_whatever_happens_meanwhile() {
    let id = |id: &str| ConversationId(id.into());
    let happenings: [fn(&mut App) -> Input; 8] = [
        |_| people(&everybody(), &["2", "3", "1"]),
        |_| {
            let mut contacts = everybody();
            contacts[2].state = ContactState::Accepted;
            people(&contacts, &["3", "2", "1"])
        },
        |_| {
            let mut contacts = everybody();
            contacts[1].name = "Bob".into();
            people(&contacts, &["2", "1"])
        },
        |_| {
            let mut contacts = everybody();
            contacts[0].state = ContactState::Blocked;
            people(&contacts, &["2"])
        },
        |_| Input::Page {
            conversation: ConversationId("c2".into()),
            older: false,
            messages: vec![message("m", "c2", "hi")],
            more: false,
        },
        |_| Input::News(vec![Event::Lagged { missed: 1 }, Event::Notice { code: Code::DeviceReplaced }]),
        |_| Input::Sent(ConversationId("c2".into())),
        |_| Input::Size(20, 5),
    ];
    for happening in happenings {
        let mut app = screen();
        open(&mut app, "Bob");
        let mut actions = Vec::new();
        for c in "for Bob alone\n".chars() {
            actions.extend(typed(&mut app, &c.to_string()));
            let input = happening(&mut app);
            for action in app.handle(0, input) {
                assert!(!matches!(action, Action::Send { .. }));
            }
            app.handle(0, Input::Drawn);
        }
        assert_eq!(sends(&actions), [("c1", "for Bob alone")]);
        assert_eq!(app.view.as_ref().unwrap().conversation, id("c1"), "nothing but a key opens a conversation");
    }
}

#[test]
fn a_draft_stays_with_its_conversation_and_comes_back() {
    let mut app = screen();
    open(&mut app, "Bob");
    typed(&mut app, "dear Bob");
    let actions = app.handle(0, ctrl('n'));
    let kept = Action::Draft { conversation: ConversationId("c1".into()), text: "dear Bob".into(), reply: None };
    assert!(actions.contains(&kept));
    app.handle(0, Input::Drawn);
    assert_eq!((app.addressee().as_str(), app.editor().text()), ("to Carol", ""));
    assert!(typed(&mut app, "\n").is_empty(), "nothing was typed here");
    assert_eq!(sends(&typed(&mut app, "dear Carol\n")), [("c2", "dear Carol")]);
    app.handle(0, Input::Sent(ConversationId("c2".into())));
    app.handle(0, ctrl('p'));
    app.handle(0, Input::Drawn);
    assert_eq!((app.addressee().as_str(), app.editor().text()), ("to Bob", "dear Bob"));
    assert!(app.end().is_empty(), "it is on disk as it is");
    typed(&mut app, "!");
    assert_eq!(sends(&typed(&mut app, "\n")), [("c1", "dear Bob!")]);

    let mut again = App::new(Mode::Light, (80, 24));
    let Input::People { own, contacts, mut conversations } = people(&everybody(), &["1", "2"]) else { panic!() };
    conversations[0].draft = "from disk".into();
    again.handle(0, Input::People { own, contacts, conversations });
    open(&mut again, "Bob");
    assert_eq!(again.editor().text(), "from disk");
}

/// Keys may wait in the terminal while a conversation opens: the person has not seen their receiver yet.
#[test]
fn what_was_typed_before_the_conversation_was_drawn_is_not_sent() {
    let mut app = screen();
    open(&mut app, "Bob");
    let mut actions = app.handle(0, ctrl('n'));
    actions.extend(typed(&mut app, "hi\n\n"));
    assert!(sends(&actions).is_empty());
    assert!(said(&app).contains("Not sent: typed before Carol"), "{}", said(&app));
    app.handle(0, Input::Drawn);
    assert_eq!(sends(&typed(&mut app, "\n")), [("c2", "hi")]);

    // Begun before the drawing, ended after it: the person is asked once more.
    let mut app = screen();
    open(&mut app, "Bob");
    app.handle(0, ctrl('n'));
    typed(&mut app, "h");
    app.handle(0, Input::Drawn);
    assert!(sends(&typed(&mut app, "i\n")).is_empty());
    assert_eq!(sends(&typed(&mut app, "\n")), [("c2", "hi")]);

    // A draft that comes back is seen before it is sent.
    let mut app = screen();
    open(&mut app, "Carol");
    typed(&mut app, "a draft");
    open(&mut app, "Bob");
    let mut actions = app.handle(0, ctrl('n'));
    actions.extend(typed(&mut app, "\n"));
    assert!(sends(&actions).is_empty());
}

#[test]
fn a_command_is_typed_beside_a_half_typed_text() {
    let mut app = screen();
    open(&mut app, "Bob");
    typed(&mut app, "half a tex");
    app.handle(0, ctrl('o'));
    assert_eq!(app.addressee(), "command (Bob is open)");
    assert_eq!(typed(&mut app, "retry\n").len(), 1);
    assert_eq!((app.editor().text(), app.addressee().as_str()), ("half a tex", "to Bob"));
    app.handle(0, ctrl('o'));
    assert!(typed(&mut app, "quti\n").is_empty());
    assert_eq!(app.editor().text(), "/quti");
    app.handle(0, ctrl('u'));
    assert!(typed(&mut app, "no command\n").is_empty(), "it is sent to nobody");
    app.handle(0, key(KeyCode::Esc));
    assert_eq!(sends(&typed(&mut app, "t\n")), [("c1", "half a text")]);
}

/// Esc and a key in one packet look like Alt and that key.
#[test]
fn no_key_behind_esc_is_lost() {
    let mut app = screen();
    open(&mut app, "Bob");
    app.handle(0, Input::Shown(Panel::new("Help", "help")));
    app.handle(0, Input::Key(KeyEvent::new(KeyCode::Char('/'), KeyModifiers::ALT)));
    assert!(app.panel.is_none());
    assert!(sends(&typed(&mut app, "safety\n")).is_empty());
    assert_eq!(app.editor().text(), "", "it was a command");
}

#[test]
fn nothing_is_sent_where_nobody_is_open() {
    let mut app = screen();
    app.handle(0, Input::Drawn);
    assert!(app.view.is_none(), "two are there: none is chosen");
    assert!(typed(&mut app, "hello\n").is_empty());
    assert!(said(&app).contains("Nobody is open"));
    assert_eq!(app.editor().text(), "hello");
    app.handle(0, ctrl('n'));
    app.handle(0, Input::Drawn);
    assert_eq!(app.editor().text(), "", "it was for nobody");
}

#[test]
fn the_only_contact_is_opened_before_the_first_key_and_not_after() {
    let only = |state| {
        let mut bob = contact("1", "Bob", "🐙");
        bob.state = state;
        people(&[bob], &["1"])
    };
    let mut app = App::new(Mode::Light, (80, 24));
    assert_eq!(app.handle(0, only(ContactState::Accepted)).len(), 1);
    assert!(app.view.is_some());
    let mut app = App::new(Mode::Light, (80, 24));
    app.handle(0, only(ContactState::Requested));
    typed(&mut app, "x");
    assert!(app.handle(0, only(ContactState::Accepted)).is_empty());
    assert!(app.view.is_none());
    assert!(said(&app).ends_with("Bob accepted."));
}

#[test]
fn a_text_stays_until_it_is_on_disk() {
    let mut app = screen();
    open(&mut app, "Bob");
    typed(&mut app, "hello\n");
    app.handle(0, Input::Said("! storage.full: the disk is full".into()));
    assert_eq!(app.editor().text(), "hello");
    assert!(said(&app).contains("storage.full"));
    assert_eq!(sends(&typed(&mut app, "\n")), [("c1", "hello")]);
    app.handle(0, Input::Sent(ConversationId("c1".into())));
    assert_eq!(app.editor().text(), "");
    app.handle(0, key(KeyCode::Up));
    assert_eq!(app.editor().text(), "hello");
}

#[test]
fn what_is_pasted_is_one_message() {
    let mut app = screen();
    open(&mut app, "Bob");
    let lines: Vec<String> = (0..200).map(|line| format!("/line {line}")).collect();
    assert!(app.handle(0, Input::Paste(lines.join("\r") + "\r")).is_empty(), "no line of it is obeyed");
    assert!(!app.is_command());
    assert_eq!(sends(&typed(&mut app, "\n")), [("c1", lines.join("\n").as_str())]);
    app.handle(0, Input::Sent(ConversationId("c1".into())));
    app.handle(0, Input::Paste("x".repeat(1 << 20)));
    app.handle(0, Input::Paste("y".into()));
    assert!(said(&app).contains("at most 1 MiB"));
    assert_eq!(app.editor().text().len(), 1 << 20);
    typed(&mut app, "\n");
    app.handle(0, Input::Sent(ConversationId("c1".into())));
    typed(&mut app, "one");
    app.handle(0, Input::Key(KeyEvent::new(KeyCode::Enter, KeyModifiers::ALT)));
    typed(&mut app, "two");
    app.handle(0, ctrl('j'));
    assert_eq!(sends(&typed(&mut app, "three\n")), [("c1", "one\ntwo\nthree")]);
}

#[test]
fn requests_are_answered_by_name() {
    let answer = |id: &str, action, label: &str| Action::Answer {
        contact: ContactId(id.into()),
        action,
        label: label.to_owned(),
    };
    let mut app = screen();
    app.handle(0, Input::Drawn);
    assert!(typed(&mut app, "/accept eve\n") == [answer("3", ContactAction::Accept, "Eve")]);
    assert!(typed(&mut app, "/block E\n").is_empty(), "not by a beginning");
    app.handle(0, key(KeyCode::Tab));
    app.handle(0, ctrl('u'));
    typed(&mut app, "/block E");
    app.handle(0, key(KeyCode::Tab));
    assert!(typed(&mut app, "\n") == [answer("3", ContactAction::Block, "Eve")]);
    for nobody in ["/block “”\n", "/block \u{200b}\n"] {
        assert!(typed(&mut app, nobody).is_empty());
        app.handle(0, ctrl('u'));
    }
    assert!(typed(&mut app, "/accept 1\n").is_empty());
    assert!(said(&app).contains("Nobody has that name"));
    app.handle(0, ctrl('u'));
    assert!(typed(&mut app, "/decline\n").is_empty());
    assert!(said(&app).contains("say whom"));
    app.handle(0, ctrl('u'));
    open(&mut app, "Eve");
    assert!(app.addressee().contains("/accept, /decline or /block"));
    assert!(typed(&mut app, "/decline\n") == [answer("3", ContactAction::Decline, "Eve")]);
}

/// A name that could be read as something else stands in quotes, and is typed with or without them.
#[test]
fn a_quoted_name_can_be_typed() {
    let mut contacts = everybody();
    contacts[2].name = "you: 1".into();
    let mut app = App::new(Mode::Light, (80, 24));
    app.handle(0, people(&contacts, &["1", "2", "3"]));
    app.handle(0, Input::Drawn);
    for line in ["/accept you: 1\n", "/accept “you: 1”\n"] {
        assert_eq!(typed(&mut app, line).len(), 1, "{}", said(&app));
    }
    typed(&mut app, "/accept y");
    app.handle(0, key(KeyCode::Tab));
    assert_eq!(app.editor().text(), "/accept “you: 1”");
}

#[test]
fn two_of_one_name_are_told_apart_and_tab_names_them() {
    let mut contacts = everybody();
    contacts[1].name = "Bob".into();
    let mut app = App::new(Mode::Light, (80, 24));
    app.handle(0, people(&contacts, &["1", "2", "3"]));
    app.handle(0, Input::Drawn);
    assert!(typed(&mut app, "/block Bob\n").is_empty());
    assert!(said(&app).contains("Several"), "{}", said(&app));
    app.handle(0, key(KeyCode::Tab));
    assert_eq!(app.editor().text().trim_end(), "/block Bob 🐙🌵🍋");
    app.handle(0, key(KeyCode::Tab));
    assert_eq!(app.editor().text(), "/block Bob 🦊🌵🍋");
    let block =
        Action::Answer {
            contact: ContactId("2".into()), action: ContactAction::Block, label: "Bob 🦊🌵🍋".into()
        };
    assert!(typed(&mut app, "\n") == [block]);
    typed(&mut app, "/unb");
    app.handle(0, key(KeyCode::Tab));
    assert_eq!(app.editor().text(), "/unblock ");
}

/// While a command is typed, somebody else may take the name in it.
#[test]
fn a_command_means_who_was_called_so_when_it_was_begun() {
    let mut app = screen();
    app.handle(0, Input::Drawn);
    typed(&mut app, "/accept Ev");
    let mut contacts = everybody();
    contacts[2].name = "Zoe".into();
    let mut mallory = contact("4", "Eve", "🐺");
    mallory.state = ContactState::Incoming;
    contacts.push(mallory);
    app.handle(0, people(&contacts, &["4", "3", "2", "1"]));
    assert!(typed(&mut app, "e\n").is_empty());
    assert!(said(&app).contains("has taken that name"), "{}", said(&app));
    assert_eq!(typed(&mut app, "\n").len(), 1, "the person looked");
}

#[test]
fn commands_answer() {
    let mut app = screen();
    app.handle(0, Input::Drawn);
    for (line, answer) in [
        ("/quti", "no such command"),
        ("/add", "needs a link"),
        ("/close 1", "/invites first"),
        ("/close x", "number"),
        ("/to Zoe", "Nobody has that name"),
        ("/verify", "Nobody is open"),
        ("/file", "needs a path"),
        ("/last", "Nobody is open"),
        ("/timer 60", "Nobody is open"),
        ("/timer soon", "number of seconds"),
        ("/poll where?", "its choices"),
        ("/pins", "Nobody is open"),
        ("/search", "needs words"),
        ("/jump 1", "/search or /pins first"),
        ("/reply", "Pick a message first"),
        ("/delete", "Pick a message first"),
        ("/pin", "Pick a message first"),
        ("/mute", "Nobody is open"),
        ("/mute x", "number of hours"),
        ("/remove Zoe", "Nobody has that name"),
    ] {
        assert!(typed(&mut app, &format!("{line}\n")).is_empty());
        assert!(said(&app).contains(answer), "{line}: {}", said(&app));
        assert_eq!(app.editor().text(), line, "it can be mended");
        app.handle(0, ctrl('u'));
    }
    for (line, title) in [("/help", "Help"), ("/contacts", "Contacts"), ("/notices", "Notices")] {
        typed(&mut app, &format!("{line}\n"));
        assert!(app.panel.as_ref().unwrap().title.starts_with(title));
        app.handle(0, key(KeyCode::Esc));
        assert!(app.panel.is_none());
    }
    app.handle(0, Input::Invites(vec![InviteId("i".into())]));
    assert!(typed(&mut app, "/close 1\n") == [Action::Close(InviteId("i".into()))]);
    assert!(typed(&mut app, "/quit\n") == [Action::Quit]);
    assert!(app.handle(0, ctrl('c')) == [Action::Quit]);
}

#[test]
fn conversations_are_kept_and_contacts_removed_by_command() {
    let mut app = screen();
    open(&mut app, "Bob");
    for (line, what) in [
        ("/mute", Keep::Mute(None)),
        ("/mute 8", Keep::Mute(Some(8))),
        ("/archive", Keep::Archive),
        ("/top", Keep::Top),
        ("/clear", Keep::Clear),
        ("/timer 60", Keep::Timer(60)),
        ("/nickname The one", Keep::Nickname("The one".into())),
    ] {
        let (conversation, contact) = (ConversationId("c1".into()), ContactId("1".into()));
        assert!(typed(&mut app, &format!("{line}\n")) == [Action::Keep { conversation, contact, what }], "{line}");
    }
    assert!(typed(&mut app, "/remove B\n").is_empty(), "not by a beginning");
    app.handle(0, ctrl('u'));
    let removed = Action::Remove { contact: ContactId("1".into()), label: "Bob".into() };
    assert!(typed(&mut app, "/remove bob\n") == [removed]);
    app.handle(0, people(&everybody()[1..], &["2"]));
    assert!(app.view.is_none(), "nothing is typed for who is gone");
    assert!(typed(&mut app, "hello\n").is_empty());
}

#[test]
fn help_names_every_command() {
    use crate::chat::command::tests::example;
    use crate::chat::command::{WORDS, name, parse, picked};
    for word in WORDS {
        assert!(commands::HELP.contains(&format!("/{word}")), "{word}");
    }
    for word in commands::HELP.split_whitespace().filter_map(|word| word.strip_prefix('/')) {
        let word = word.trim_end_matches([',', ';', '.', ':']);
        assert!(["/", "notices"].contains(&word) || parse(&example(word, ""), name, picked).is_ok(), "{word}");
    }
}

#[test]
fn a_safety_number_is_verified_for_the_devices_it_was_shown_for() {
    let mut app = screen();
    open(&mut app, "Bob");
    assert!(typed(&mut app, "/verify\n").is_empty());
    assert!(said(&app).contains("/safety shows it"));
    app.handle(0, ctrl('u'));
    let devices = DevicesId("d".into());
    app.handle(0, Input::Compared(ContactId("1".into()), devices.clone()));
    assert!(
        typed(&mut app, "/verify\n") == [Action::Verify { contact: ContactId("1".into()), devices: devices.clone() }]
    );
    app.handle(0, Input::Compared(ContactId("1".into()), devices));
    open(&mut app, "Carol");
    assert!(typed(&mut app, "/verify\n").is_empty(), "it was another one's");
}

#[test]
fn read_is_what_somebody_saw() {
    let page = |count: usize| {
        let messages = (0..count).rev().map(|n| message(&format!("m{n}"), "c1", "hi")).collect();
        Input::Page { conversation: ConversationId("c1".into()), older: false, messages, more: false }
    };
    let read = |id: &str| Action::Read { conversation: ConversationId("c1".into()), message: MessageId(id.into()) };
    let mut app = screen();
    open(&mut app, "Bob");
    assert!(app.handle(0, page(1)).is_empty());
    assert!(app.handle(0, Input::Drawn) == [read("m0")]);
    assert!(app.handle(0, Input::Drawn).is_empty(), "once");
    app.handle(0, Input::Focus(false));
    app.handle(0, page(2));
    assert!(app.handle(0, Input::Drawn).is_empty(), "nobody looks");
    assert!(app.handle(0, Input::Focus(true)) == [read("m1")]);
    app.handle(0, page(100));
    app.handle(0, key(KeyCode::PageUp));
    assert!(app.handle(0, Input::Drawn).is_empty(), "the newest is not on screen");
    assert!(app.handle(0, key(KeyCode::PageDown)) == [read("m99")]);
}

#[test]
fn events_are_read_again_once() {
    let mut app = screen();
    open(&mut app, "Bob");
    let id = |id: &str| ConversationId(id.into());
    let changed = |of: &str| Event::MessagesChanged { conversation: id(of), ids: vec![MessageId("m".into())] };
    let batch = vec![changed("c1"), changed("c2"), changed("c1"), Event::ContactsChanged];
    let page = Action::Page { conversation: id("c1"), before: None, limit: PAGE + 2 };
    assert!(app.handle(0, Input::News(batch)) == [Action::People, page]);
    assert!(app.handle(0, Input::News(vec![changed("c2")])) == [Action::People]);
    let page = Action::Page { conversation: id("c1"), before: None, limit: PAGE };
    let lagged = Input::News(vec![Event::Lagged { missed: 9 }]);
    assert!(app.handle(0, lagged) == [Action::Network, Action::People, Action::Settle, page]);
    let mut mine = message("m", "c1", "hi");
    (mine.mine, mine.state) = (true, MessageState::Queued);
    app.handle(0, Input::Page { conversation: id("c1"), older: false, messages: vec![mine], more: false });
    let state =
        |state| Input::News(vec![Event::MessageState { conversation: id("c1"), id: MessageId("m".into()), state }]);
    assert!(app.handle(0, state(MessageState::Read)).is_empty(), "in place");
    assert_eq!(app.handle(0, state(MessageState::Failed)).len(), 1, "the reason is read");
}

#[test]
fn what_contacts_do_is_said_after_the_start() {
    let mut app = screen();
    assert!(app.said.is_none(), "at the start the list says it");
    let mut contacts = everybody();
    (contacts[0].devices_changed, contacts[1].waiting) = (true, Some(Code::SuiteNone));
    app.handle(60_000, people(&contacts, &["1", "2", "3"]));
    let notices: Vec<&str> = app.notices.iter().map(String::as_str).collect();
    assert!(notices[0].starts_with("00:01 ! Bob: their devices changed"), "{notices:?}");
    assert!(notices[1].starts_with("00:01 ! Carol waits: this device and the contact"), "{notices:?}");
    app.handle(0, people(&contacts, &["1", "2", "3"]));
    assert_eq!(app.notices.len(), 2);
    open(&mut app, "Bob");
    assert!(app.title().contains("their devices changed"));
}

#[test]
fn an_account_is_made_or_restored_first() {
    let nobody = || Input::People { own: None, contacts: Vec::new(), conversations: Vec::new() };
    let mut app = App::new(Mode::Light, (80, 24));
    app.handle(0, nobody());
    assert!(app.is_registering());
    assert!(typed(&mut app, "Alice\n") == [Action::Register("Alice".into())]);
    app.handle(0, Input::Said("! input.name".into()));
    assert_eq!(app.editor().text(), "Alice");
    app.handle(0, ctrl('u'));
    assert!(typed(&mut app, "/restore one two\n") == [Action::Restore("one two".into())]);
    let actions = app.handle(0, Input::Registered(Some(Zeroizing::new("these are the words".into()))));
    assert!(actions == [Action::People]);
    assert!(app.panel.as_ref().unwrap().text.contains("these are the words"));
    app.handle(0, key(KeyCode::Up));
    assert_eq!(app.editor().text(), "", "no phrase is remembered");
}

#[test]
fn what_is_shown_outside_ends_with_enter_and_nothing_else_is_taken() {
    let mut app = screen();
    open(&mut app, "Bob");
    app.handle(0, Input::Outside("a link".into()));
    assert!(typed(&mut app, "x").is_empty());
    app.handle(0, Input::Paste("y".into()));
    assert!(app.outside.is_some() && app.editor().text().is_empty());
    assert!(typed(&mut app, "\n").is_empty());
    assert!(app.outside.is_none());
}

mod posts;
