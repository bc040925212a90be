//! Replies, edits and commands about a picked message.

use super::*;

fn id(id: &str) -> MessageId {
    MessageId(id.into())
}

fn c1() -> ConversationId {
    ConversationId("c1".into())
}

/// Messages m0, m1, … of Bob's conversation; m1 is an own one.
fn page(texts: &[&str]) -> Input {
    let one = |(number, text): (usize, &&str)| {
        let mut one = message(&format!("m{number}"), "c1", text);
        if number == 1 {
            (one.mine, one.state) = (true, MessageState::Delivered);
        }
        one
    };
    let messages = texts.iter().enumerate().map(one).rev().collect();
    Input::Page { conversation: c1(), older: false, messages, more: false }
}

/// Bob's conversation with three messages, drawn.
fn talk() -> App {
    let mut app = screen();
    open(&mut app, "Bob");
    app.handle(0, page(&["hello", "hi", "how are you?"]));
    app.handle(0, Input::Drawn);
    app
}

fn up(app: &mut App) -> Vec<Action> {
    app.handle(0, ctrl_key(KeyCode::Up))
}

fn replies(actions: &[Action]) -> Vec<(&str, Option<&str>)> {
    let mut sends = Vec::new();
    for action in actions {
        if let Action::Send { text, reply, .. } = action {
            sends.push((text.as_str(), reply.as_ref().map(|id| id.0.as_str())));
        }
    }
    sends
}

#[test]
fn a_message_is_picked_and_replied_to() {
    let mut app = talk();
    up(&mut app);
    assert_eq!(app.addressee(), "to Bob; picked: Bob's “how are you?” (Enter replies, F1: more)");
    app.handle(0, Input::Drawn);
    assert!(typed(&mut app, "\n").is_empty());
    assert_eq!(app.addressee(), "to Bob, in reply to Bob's “how are you?”");
    app.handle(0, Input::Drawn);
    assert_eq!(replies(&typed(&mut app, "fine\n")), [("fine", Some("m2"))]);
    app.handle(0, Input::Sent(c1()));
    app.handle(0, Input::Drawn);
    assert_eq!(app.addressee(), "to Bob");
    assert_eq!(replies(&typed(&mut app, "and you?\n")), [("and you?", None)], "only one text was a reply");
}

#[test]
fn files_are_sent_to_the_open_conversation_and_saved_from_the_picked_message() {
    use sotto_messenger::records::{FileId, FileState, Transfer};
    let mut app = talk();
    let what = Sending { path: "my cat.jpg".into(), text: "look".into(), as_is: false };
    assert!(typed(&mut app, "/send 'my cat.jpg' look\n") == [Action::Attach { conversation: c1(), what }]);
    assert!(typed(&mut app, "/files\n") == [Action::Files(c1())]);
    assert!(typed(&mut app, "/save 2\n").is_empty(), "no message is picked");
    app.handle(0, ctrl('u'));
    up(&mut app);
    app.handle(0, Input::Drawn);
    let what = Deed::Save { number: 2, path: Some("there".into()) };
    assert!(typed(&mut app, "/save 2 there\n") == [Action::Deed { message: id("m2"), what }]);
    // What is saved is here first.
    let mut news = |state| {
        let file = Transfer { file: FileId("f".into()), state, have: 1, total: 2, reason: None };
        app.handle(0, Input::News(vec![Event::File(file)]))
    };
    assert!(news(FileState::Coming).is_empty());
    assert!(news(FileState::Here) == [Action::Settle]);
}

/// The reply of the promise: nothing becomes a reply to a message that was not on screen when typing began.
#[test]
fn a_text_is_no_reply_to_what_was_not_drawn_when_it_was_begun() {
    // Reply, text and Enter in one packet.
    let mut app = talk();
    up(&mut app);
    app.handle(0, Input::Drawn);
    assert!(replies(&typed(&mut app, "\nfine\n")).is_empty());
    assert!(said(&app).contains("before Bob and its message was on screen"), "{}", said(&app));
    app.handle(0, Input::Drawn);
    assert_eq!(replies(&typed(&mut app, "\n")), [("fine", Some("m2"))], "the person looked");

    // Begun before the drawing, ended after it.
    let mut app = talk();
    up(&mut app);
    app.handle(0, Input::Drawn);
    typed(&mut app, "\nfi");
    app.handle(0, Input::Drawn);
    assert!(replies(&typed(&mut app, "ne\n")).is_empty());
    assert_eq!(replies(&typed(&mut app, "\n")), [("fine", Some("m2"))]);

    // A half-typed text that becomes a reply was begun as none.
    let mut app = talk();
    typed(&mut app, "half a tex");
    up(&mut app);
    app.handle(0, Input::Drawn);
    app.handle(0, ctrl('o'));
    assert!(typed(&mut app, "reply").is_empty());
    assert_eq!(app.addressee(), "command on Bob's “how are you?”");
    assert!(typed(&mut app, "\n").is_empty());
    app.handle(0, Input::Drawn);
    assert!(replies(&typed(&mut app, "t\n")).is_empty());
    assert_eq!(replies(&typed(&mut app, "\n")), [("half a text", Some("m2"))]);
}

/// Whatever happens between two keys, a reply goes where it was begun, and never becomes another one's.
#[test]
fn a_reply_stays_one_whatever_happens_meanwhile() {
    let happenings: [fn() -> Input; 7] = [
        || page(&["hello", "hi", "how are you?", "I wrote more", "and more"]),
        || page(&["hello", "hi"]),
        || page(&[]),
        || people(&everybody(), &["2", "3", "1"]),
        || Input::Subject(MessageId("m0".into()), None),
        || Input::Subject(MessageId("m2".into()), None),
        || Input::News(vec![Event::Lagged { missed: 1 }]),
    ];
    for happening in happenings {
        let mut app = talk();
        up(&mut app);
        app.handle(0, Input::Drawn);
        typed(&mut app, "\n");
        app.handle(0, Input::Drawn);
        let mut actions = Vec::new();
        for c in "only for that\n".chars() {
            actions.extend(typed(&mut app, &c.to_string()));
            app.handle(0, happening());
            app.handle(0, Input::Drawn);
        }
        assert_eq!(replies(&actions), [("only for that", Some("m2"))]);
    }
}

/// A command is about the message that was picked and drawn when it was begun, or about none.
#[test]
fn a_command_is_about_the_message_that_is_seen() {
    let deed = |id: &str, what| vec![Action::Deed { message: MessageId(id.into()), what }];
    let mut app = talk();
    assert!(typed(&mut app, "/unsend\n").is_empty());
    assert!(said(&app).contains("Pick a message first"));
    app.handle(0, ctrl('u'));
    up(&mut app);
    up(&mut app);
    app.handle(0, Input::Drawn);
    assert!(typed(&mut app, "/unsend\n") == deed("m1", Deed::Unsend));
    for (line, what) in [
        ("/react 👍\n", Deed::React("👍".into())),
        ("/edit new\n", Deed::Edit("new".into())),
        ("/reply yes\n", Deed::Reply("yes".into())),
        ("/pin\n", Deed::Pin),
        ("/delete\n", Deed::Delete),
        ("/vote 2\n", Deed::Vote(vec![1])),
        ("/history\n", Deed::History),
    ] {
        assert!(typed(&mut app, line) == deed("m1", what), "{line}");
    }

    // Another pick in the same packet: the person has not seen it.
    typed(&mut app, "/unsend");
    up(&mut app);
    assert!(typed(&mut app, "\n").is_empty());
    assert!(said(&app).contains("Not sent"), "{}", said(&app));
    app.handle(0, ctrl('u'));
    app.handle(0, Input::Drawn);

    // The picked message disappears: the command means no other message.
    typed(&mut app, "/unsend");
    let Input::Page { conversation, older, mut messages, more } = page(&["hello", "hi", "how are you?"]) else {
        panic!()
    };
    messages.retain(|one| one.id != id("m0"));
    app.handle(0, Input::Page { conversation, older, messages, more });
    assert!(typed(&mut app, "\n").is_empty(), "not seen yet");
    app.handle(0, Input::Drawn);
    assert!(typed(&mut app, "\n").is_empty());
    assert!(said(&app).contains("Pick a message first"), "{}", said(&app));
    assert_eq!(app.editor().text(), "/unsend");
}

#[test]
fn no_event_picks_a_message() {
    let mut app = talk();
    let changed = Event::MessagesChanged { conversation: c1(), ids: vec![id("m0")] };
    app.handle(0, Input::News(vec![changed, Event::Lagged { missed: 3 }]));
    app.handle(0, page(&["hello", "hi", "how are you?", "more"]));
    assert!(app.picked().is_err());
    up(&mut app);
    app.handle(0, page(&["hello", "hi", "how are you?", "more", "most"]));
    assert_eq!(app.picked().unwrap().id, id("m3"), "it stays picked");
    app.handle(0, ctrl_key(KeyCode::Down));
    assert_eq!(app.picked().unwrap().id, id("m4"));
    app.handle(0, ctrl_key(KeyCode::Down));
    assert!(app.picked().is_err());
}

#[test]
fn an_own_text_is_changed_in_an_editor_of_its_own() {
    let mut app = talk();
    typed(&mut app, "half a text");
    up(&mut app);
    app.handle(0, Input::Drawn);
    app.handle(0, ctrl('o'));
    app.handle(0, Input::Drawn);
    assert!(typed(&mut app, "edit\n").is_empty());
    assert!(said(&app).contains("Only a text of yours"), "{}", said(&app));
    app.handle(0, key(KeyCode::Esc));
    up(&mut app);
    app.handle(0, Input::Drawn);
    app.handle(0, ctrl('o'));
    typed(&mut app, "edit\n");
    assert_eq!((app.addressee().as_str(), app.editor().text()), ("changes your “hi”; Esc leaves it", "hi"));
    assert!(typed(&mut app, "\n").is_empty(), "not seen yet");
    app.handle(0, Input::Drawn);
    let edit = |text: &str| vec![Action::Edit { message: id("m1"), text: text.into() }];
    assert!(typed(&mut app, " there\n") == edit("hi there"));
    app.handle(0, Input::Said("! message.too_old: …".into()));
    assert_eq!(app.editor().text(), "hi there", "refused: it is not lost");
    app.handle(0, Input::Edited(id("m1")));
    assert_eq!((app.addressee().as_str(), app.editor().text()), ("to Bob", "half a text"));

    // Esc leaves it, and another conversation does not see it.
    up(&mut app);
    up(&mut app);
    app.handle(0, Input::Drawn);
    app.handle(0, ctrl('o'));
    typed(&mut app, "edit\n");
    app.handle(0, ctrl('n'));
    app.handle(0, Input::Drawn);
    assert_eq!((app.addressee().as_str(), app.editor().text()), ("to Carol", ""));
    assert_eq!(sends(&typed(&mut app, "dear Carol\n")), [("c2", "dear Carol")]);
    app.handle(0, ctrl('p'));
    assert_eq!(app.editor().text(), "hi");
    app.handle(0, key(KeyCode::Esc));
    assert_eq!((app.addressee().as_str(), app.editor().text()), ("to Bob", "half a text"));
}

/// A text that begins with a slash is no command, in an edit as in a message; and a command there costs no draft.
#[test]
fn an_edit_and_a_command_are_told_apart() {
    let mut app = talk();
    typed(&mut app, "a draft");
    app.handle(0, page(&["hello", "/etc", "how are you?"]));
    let edit = |app: &mut App| {
        up(app);
        up(app);
        app.handle(0, Input::Drawn);
        app.handle(0, ctrl('o'));
        typed(app, "edit\n");
        app.handle(0, Input::Drawn);
    };
    edit(&mut app);
    assert_eq!(app.editor().text(), "//etc");
    assert!(typed(&mut app, "/hosts\n") == [Action::Edit { message: id("m1"), text: "/etc/hosts".into() }]);
    app.handle(0, ctrl('u'));
    assert!(typed(&mut app, "/verify\n").is_empty(), "refused");
    assert_eq!(app.editor().text(), "/verify");
    app.handle(0, ctrl('u'));
    assert!(typed(&mut app, "/safety\n").len() == 1);
    assert_eq!((app.addressee().as_str(), app.editor().text()), ("to Bob", "a draft"));
}

#[test]
fn a_draft_keeps_the_reply_it_belongs_to() {
    let mut app = talk();
    up(&mut app);
    app.handle(0, Input::Drawn);
    typed(&mut app, "\n");
    app.handle(0, Input::Drawn);
    typed(&mut app, "not yet");
    let kept = Action::Draft { conversation: c1(), text: "not yet".into(), reply: Some(id("m2")) };
    assert!(app.handle(0, ctrl('n')).contains(&kept));
    app.handle(0, Input::Drawn);
    assert_eq!(replies(&typed(&mut app, "to Carol\n")), [("to Carol", None)], "it belongs to one conversation");
    assert!(app.handle(0, ctrl('p')).contains(&Action::Subject(id("m2"))));
    app.handle(0, Input::Drawn);
    assert_eq!(replies(&typed(&mut app, "\n")), [("not yet", Some("m2"))]);

    // After a restart.
    let mut again = App::new(Mode::Light, (80, 24));
    let Input::People { own, contacts, mut conversations } = people(&everybody(), &["1", "2"]) else { panic!() };
    (conversations[0].draft, conversations[0].draft_reply_to) = ("from disk".into(), Some(id("m2")));
    again.handle(0, Input::People { own, contacts, conversations });
    open(&mut again, "Bob");
    assert_eq!(again.addressee(), "to Bob, in reply to a message that is gone");
    again.handle(0, Input::Subject(id("m2"), Some(Box::new(message("m2", "c1", "how are you?")))));
    assert_eq!(again.addressee(), "to Bob, in reply to Bob's “how are you?”");
    assert_eq!(replies(&typed(&mut again, "\n")), [("from disk", Some("m2"))]);
    again.handle(0, key(KeyCode::Esc));
    again.handle(0, Input::Drawn);
    assert_eq!(replies(&typed(&mut again, "\n")), [("from disk", None)], "Esc takes the reply away");
}

#[test]
fn a_message_is_forwarded_by_whole_names() {
    let mut app = talk();
    up(&mut app);
    app.handle(0, Input::Drawn);
    for (line, answer) in
        [("/forward", "to whom"), ("/forward Car", "Nobody has that name"), ("/forward Carol, Zoe", "Nobody")]
    {
        assert!(typed(&mut app, &format!("{line}\n")).is_empty());
        assert!(said(&app).contains(answer), "{line}: {}", said(&app));
        app.handle(0, ctrl('u'));
    }
    typed(&mut app, "/forward Bob,C");
    app.handle(0, key(KeyCode::Tab));
    let to = ["c1", "c2"].map(|id| ConversationId(id.into())).to_vec();
    let forwarded = Action::Forward { message: id("m2"), to, labels: "Bob, Carol".into() };
    assert!(typed(&mut app, "\n") == [forwarded]);
}

#[test]
fn a_found_message_is_opened_in_its_place() {
    let mut app = talk();
    let found = |conversation: &str, id: &str, text: &str| Found::of(conversation, id, text);
    assert!(typed(&mut app, "/search words\n") == [Action::Search("words".into())]);
    let list =
        vec![found("c2", "x", "some «words»\n#9 forged"), found("c9", "y", "of nobody"), found("c1", "m0", "words")];
    app.handle(0, Input::Found("Found: words".into(), list));
    let text = app.panel.as_ref().unwrap().text.clone();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "#1 1970-01-01 00:00 Carol: some «words» #9 forged");
    assert!(lines[1].starts_with("#2 ") && lines[2].starts_with("/jump"), "{lines:?}");
    assert!(typed(&mut app, "/jump 3\n").is_empty());
    app.handle(0, ctrl('u'));
    let around = |conversation: &str, id: &str| Action::Around {
        conversation: ConversationId(conversation.into()),
        message: MessageId(id.into()),
        pick: true,
    };
    assert!(typed(&mut app, "/jump 2\n") == [around("c1", "m0")]);
    app.handle(0, Input::Found("Found: words".into(), vec![found("c2", "x", "words")]));
    app.handle(0, Input::Drawn);
    let actions = typed(&mut app, "/jump 1\n");
    assert!(actions.contains(&around("c2", "x")));
    assert!(app.panel.is_none());
    let messages = vec![message("z", "c2", "later"), message("x", "c2", "words")];
    let (conversation, message) = (ConversationId("c2".into()), id("x"));
    app.handle(0, Input::Around { conversation, message, pick: true, messages, more: false, newer: true });
    assert_eq!(app.picked().unwrap().id, id("x"));
    assert!(typed(&mut app, "/unsend\n").is_empty(), "not seen yet");
    app.handle(0, ctrl('u'));
    let newest = Action::Page { conversation: ConversationId("c2".into()), before: None, limit: PAGE };
    assert!(app.handle(0, key(KeyCode::Esc)) == [newest], "Esc loads the newest");
    app.handle(0, Input::Found("Pinned".into(), Vec::new()));
    assert!(said(&app).ends_with("Nothing found."));
}

#[test]
fn a_timer_stands_in_the_title() {
    let mut app = talk();
    assert_eq!(app.title(), "Bob");
    let Input::People { own, contacts, mut conversations } = people(&everybody(), &["1", "2"]) else { panic!() };
    conversations[0].timer_s = 3600;
    conversations[1].last.as_mut().unwrap().deleted = true;
    app.handle(0, Input::People { own, contacts, conversations });
    assert_eq!(app.title(), "Bob · texts disappear after 1 h");
    assert_eq!(app.rows[1].preview, "– deleted");
}
