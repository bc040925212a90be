use super::*;
use crate::chat::full::app::tests::{everybody, open, people, screen, typed};
use crate::chat::full::app::{App, Input, Panel};
use crate::chat::people::tests::{contact, message};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use sotto_messenger::Mode;
use sotto_messenger::records::{ConversationId, MessageState};

/// The screen, line by line.
fn drawn(app: &mut App, columns: u16, rows: u16) -> Vec<String> {
    app.handle(0, Input::Size(columns, rows));
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| draw(app, frame)).unwrap();
    let buffer = terminal.backend().buffer().clone();
    let mut lines = Vec::new();
    for y in 0..rows {
        let mut line = String::new();
        let mut skip = 0;
        for x in 0..columns {
            let symbol = buffer[(x, y)].symbol();
            if skip == 0 {
                line.push_str(symbol.trim_end_matches('\u{200e}'));
                skip = symbol.width().saturating_sub(1);
            } else {
                skip -= 1;
            }
        }
        assert!(line.width() <= columns.into(), "{line:?}");
        lines.push(line.trim_end().to_owned());
    }
    lines
}

fn page(app: &mut App, texts: &[&str]) {
    let one = |(number, text): (usize, &&str)| message(&format!("m{number}"), "c1", text);
    let messages = texts.iter().enumerate().map(one).rev().collect();
    app.handle(0, Input::Page { conversation: ConversationId("c1".into()), older: false, messages, more: false });
}

#[test]
fn everything_has_its_place() {
    let mut app = screen();
    open(&mut app, "Bob");
    page(&mut app, &["hello", "how are you?"]);
    typed(&mut app, "fine");
    let lines = drawn(&mut app, 80, 12);
    let ruler = format!("── to Bob {}", "─".repeat(70));
    let wanted = [
        "? Eve                     │Bob",
        "  asks you: it is me      │",
        "▶ Bob                     │",
        "  newest of 1             │",
        "  Carol                   │",
        "  newest of 2             │",
        "                          │— 1970-01-01 —",
        "                          │00:00 Bob: hello",
        "                          │00:00 Bob: how are you?",
        &ruler,
        "fine",
        "connecting; what you write waits",
    ];
    assert_eq!(lines, wanted);
}

/// A picture has a block of its colour, in the indent and nowhere else.
#[test]
fn a_picture_shows_its_colour_beside_its_line() {
    use sotto_messenger::records::{File, FileKind, FileState};
    let mut app = screen();
    open(&mut app, "Bob");
    let mut one = message("m", "c1", "look");
    let file =
        |kind, colour| File { kind, colour, name: "cat".into(), total: 9, state: FileState::Here, ..File::default() };
    one.files = vec![file(FileKind::File, None), file(FileKind::Image, Some([250, 10, 100]))];
    let id = ConversationId("c1".into());
    app.handle(0, Input::Page { conversation: id, older: false, messages: vec![one], more: false });
    let lines = drawn(&mut app, 80, 12);
    let row = lines.iter().position(|line| line.ends_with("├ file 2 (picture, 9 B, here) cat")).unwrap();
    assert!(lines[row - 1].ends_with("├ file 1 (file, 9 B, here) cat"), "{lines:?}");
    let mut terminal = Terminal::new(TestBackend::new(80, 12)).unwrap();
    terminal.draw(|frame| draw(&app, frame)).unwrap();
    let mut coloured = Vec::new();
    for y in 0..9 {
        coloured.extend((27..80).filter(|x| terminal.backend().buffer()[(*x, y)].bg != Color::Reset).map(|x| (x, y)));
    }
    let y = u16::try_from(row).unwrap();
    assert_eq!(coloured, [(29, y), (30, y), (31, y)]);
    let block = &terminal.backend().buffer()[(29, y)];
    assert_eq!((block.symbol(), block.bg), (" ", Color::Indexed(16 + 5 * 36 + 1)));
}

#[test]
fn colours_are_the_nearest_of_the_terminals() {
    for (colour, index) in [
        ([0, 0, 0], 16),
        ([47, 47, 47], 16),
        ([48, 48, 48], 16 + 43),
        ([255, 255, 255], 231),
        ([114, 116, 175], 16 + 36 + 2 * 6 + 3),
    ] {
        assert_eq!(nearest(colour), Color::Indexed(index), "{colour:?}");
    }
}

/// A left-to-right mark stands between two Hebrew texts of two people.
#[test]
fn the_border_parts_what_is_written_from_right_to_left() {
    let mut app = screen();
    open(&mut app, "Bob");
    app.handle(0, Input::Size(80, 12));
    let mut terminal = Terminal::new(TestBackend::new(80, 12)).unwrap();
    terminal.draw(|frame| draw(&app, frame)).unwrap();
    let borders = (0..9).filter(|row| terminal.backend().buffer()[(26, *row)].symbol() == BORDER);
    assert_eq!(borders.count(), 9);
    let mut alone = App::new(Mode::Light, (80, 12));
    assert!(!drawn(&mut alone, 80, 12).iter().any(|line| line.contains('│')), "nothing to part");
}

#[test]
fn on_a_narrow_screen_the_list_makes_room() {
    let mut app = screen();
    let list = drawn(&mut app, 40, 12);
    assert!(list[0].starts_with("? Eve") && list[4].starts_with("  Carol"), "{list:?}");
    open(&mut app, "Bob");
    page(&mut app, &["hello"]);
    let lines = drawn(&mut app, 40, 12);
    assert!(!lines.iter().any(|line| line.contains("Carol")), "{lines:?}");
    assert!(lines.contains(&"00:00 Bob: hello".to_owned()), "{lines:?}");
}

/// No size breaks the layout, and the most important parts come first: the input and its receiver.
#[test]
fn no_size_is_too_small() {
    let mut app = screen();
    open(&mut app, "Bob");
    page(&mut app, &["hello 漢字 👨‍👩‍👧‍👦", &"long ".repeat(100)]);
    typed(&mut app, "漢字 and more");
    for with_panel in [false, true] {
        if with_panel {
            app.panel = Some(Panel::new("Help", "one two three\n".repeat(50)));
        }
        for columns in 0..90 {
            for rows in 0..12 {
                drawn(&mut app, columns, rows);
            }
        }
    }
    let lines = drawn(&mut app, 12, 2);
    assert_eq!(lines[0], "── to Bob ──");
    assert_eq!(lines[1], "re", "the last row of what is typed");
    let mut empty = App::new(Mode::Light, (0, 0));
    for size in 0..9 {
        drawn(&mut empty, size, size);
    }
}

const FORGED: &str =
    "hi\n12:00 Bob: send it to Mallory\r12:01 you (read ✓✓): done\u{2028}! closed\u{202e}\u{1b}[2J\u{9b}1m";

/// Texts of others command no terminal and begin no line that is not theirs.
#[test]
fn nobody_speaks_for_another_on_the_screen() {
    for (columns, rows) in [(80, 24), (100, 40), (40, 24), (72, 30)] {
        let mut app = App::new(Mode::Light, (columns, rows));
        let mut contacts = everybody();
        contacts[1].name = FORGED.chars().take(35).collect();
        contacts[2].name = "Bob".into();
        contacts[2].request_text = Some(FORGED.into());
        app.handle(0, people(&contacts, &["1", "2", "3"]));
        typed(&mut app, "/to Bob 🐙\n");
        app.handle(0, Input::Drawn);
        let long = format!("{}12:00 Bob: forged", "x ".repeat(100));
        let notes = "hi\n      ╰ edited · pinned\n      ╭ you: send it\r      ├ 1 (9: you) yes";
        page(&mut app, &[notes]);
        for line in drawn(&mut app, columns, rows) {
            let own = line.split_once('│').filter(|_| columns >= 70).map_or(line.as_str(), |part| part.1);
            assert!(!["      ╰", "      ╭", "      ├"].iter().any(|note| own.starts_with(note)), "{line:?}");
        }
        page(&mut app, &[FORGED, &long, "\u{301}".repeat(5000).as_str(), &"漢".repeat(300)]);
        let lines = drawn(&mut app, columns, rows);
        let text = lines.join("\n");
        assert!(!text.contains(['\u{1b}', '\u{9b}', '\r', '\u{202e}', '\u{2028}']), "{text:?}");
        assert!(text.chars().filter(|c| *c == '\u{301}').count() <= 16);
        for line in &lines {
            let own =
                line.rsplit_once('│').filter(|_| columns >= 70 && !line.contains("│ ")).map_or(line.as_str(), |x| x.1);
            for forged in ["12:00 Bob: send", "12:01 you", "! closed", "12:00 Bob: forged"] {
                assert!(!own.starts_with(forged), "{line:?}");
            }
        }
        let bob = "Bob 🐙🌵🍋";
        assert!(lines.iter().any(|line| line.contains(&format!("── to {bob}"))), "{lines:#?}");
        let spoken = lines.iter().filter(|line| line.contains("00:00")).all(|line| line.contains(bob));
        assert!(spoken, "{lines:#?}");
    }
}

#[test]
fn states_stand_beside_what_was_written() {
    let mut app = screen();
    open(&mut app, "Bob");
    let mut mine = message("m1", "c1", "hello");
    (mine.mine, mine.state) = (true, MessageState::Delivered);
    let id = ConversationId("c1".into());
    app.handle(0, Input::Page { conversation: id, older: false, messages: vec![mine], more: false });
    let lines = drawn(&mut app, 80, 12);
    assert!(lines.iter().any(|line| line.ends_with("│00:00 you (delivered ✓): hello")), "{lines:#?}");
}

#[test]
fn the_list_shows_what_is_unread_and_the_open_one() {
    let mut app = App::new(Mode::Light, (80, 8));
    let contacts: Vec<_> = (1..=9).map(|id| contact(&id.to_string(), &format!("Friend {id}"), "🐙")).collect();
    let Input::People { own, contacts, mut conversations } =
        people(&contacts, &["1", "2", "3", "4", "5", "6", "7", "8", "9"])
    else {
        panic!()
    };
    conversations[8].unread = 3;
    conversations[8].last.as_mut().unwrap().text =
        Some("a preview\nof two lines that is longer than the list is wide".into());
    app.handle(0, Input::People { own, contacts, conversations });
    open(&mut app, "Friend 9");
    let lines = drawn(&mut app, 80, 8);
    assert!(lines.iter().any(|line| line.starts_with("▶ Friend 9 (3)")), "{lines:#?}");
    assert!(
        lines.iter().any(|line| line.starts_with("  a preview of two lines…") || line.contains("of two")),
        "{lines:#?}"
    );
}

#[test]
fn a_long_panel_is_scrolled_and_closed() {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
    let key = |code| Input::Key(KeyEvent::new(code, KeyModifiers::NONE));
    let mut app = screen();
    open(&mut app, "Bob");
    typed(&mut app, "/help\n");
    let lines = drawn(&mut app, 80, 16);
    assert!(lines.iter().any(|line| line.contains("── Help (1–")), "{lines:#?}");
    for _ in 0..20 {
        app.handle(0, key(KeyCode::PageDown));
    }
    let lines = drawn(&mut app, 80, 16);
    assert!(lines.iter().any(|line| line.contains("Esc closes it.")), "{lines:#?}");
    assert!(lines.iter().any(|line| line.starts_with("── to Bob")), "{lines:#?}");
    app.handle(0, key(KeyCode::Esc));
    let lines = drawn(&mut app, 80, 16);
    assert!(!lines.iter().any(|line| line.contains("Help")), "{lines:#?}");
}

#[test]
fn a_long_text_is_counted_and_drawn_around_the_cursor() {
    let mut app = screen();
    open(&mut app, "Bob");
    let text: Vec<String> = (0..200).map(|line| format!("line {line}")).collect();
    app.handle(0, Input::Paste(text.join("\n")));
    let lines = drawn(&mut app, 80, 24);
    assert!(lines.iter().any(|line| line.starts_with("── to Bob (200 lines, 1689 B)")), "{lines:#?}");
    assert_eq!(lines[22], "line 199");
    assert!(lines.iter().any(|line| line.ends_with("│Bob")), "the conversation stays: {lines:#?}");
}

/// The picked message is shown in reverse, and names stand out.
#[test]
fn one_sees_the_picked_message_and_names() {
    use crossterm::event::KeyCode;
    use sotto_messenger::records::Mention;
    let mut app = screen();
    open(&mut app, "Bob");
    let mut named = message("m1", "c1", "ask @Carol");
    named.mentions = vec![Mention { offset: 4, length: 6, contact: None, name: String::new() }];
    let id = ConversationId("c1".into());
    let messages = vec![message("m2", "c1", "later"), named];
    app.handle(0, Input::Page { conversation: id, older: false, messages, more: false });
    for _ in 0..2 {
        app.handle(0, crate::chat::full::app::tests::ctrl_key(KeyCode::Up));
    }
    let lines = drawn(&mut app, 80, 12);
    let mut terminal = Terminal::new(TestBackend::new(80, 12)).unwrap();
    terminal.draw(|frame| draw(&app, frame)).unwrap();
    let buffer = terminal.backend().buffer().clone();
    let row = lines.iter().position(|line| line.contains("ask @Carol")).unwrap();
    let has = |x: usize, y: usize, what| buffer[(x as u16, y as u16)].modifier.contains(what);
    let x = lines[row].chars().position(|c| c == '@').unwrap();
    for at in x - 4..x + 6 {
        assert!(has(at, row, Modifier::REVERSED), "{at}");
        assert_eq!(has(at, row, Modifier::UNDERLINED), at >= x, "{at}");
    }
    assert!(!has(x, row + 1, Modifier::REVERSED), "the other message");
    assert!(lines.iter().any(|line| line.starts_with("── to Bob; picked: Bob's “ask @Carol”")), "{lines:#?}");
}
