use super::*;
use crate::chat::people::tests::message;
use sotto_messenger::Code;

/// Messages with these numbers, newest first, as a page brings them.
fn page(numbers: Range<u32>) -> Vec<Message> {
    numbers.rev().map(|number| message(&format!("m{number}"), "c1", &format!("text {number}"))).collect()
}

fn view(numbers: Range<u32>, more: bool) -> View {
    let mut view = View::new(ConversationId("c1".into()), ContactId("1".into()), "Bob".into());
    view.resize(40, 4);
    view.replace(page(numbers), more);
    view
}

fn texts(view: &View) -> Vec<&str> {
    view.rows().iter().map(|row| row.text.rsplit(": ").next().unwrap()).collect()
}

#[test]
fn the_newest_is_lowest_and_stays_so() {
    let mut view = view(0..10, false);
    assert_eq!(texts(&view), ["text 6", "text 7", "text 8", "text 9"]);
    view.replace(page(0..11), false);
    assert_eq!(texts(&view).last(), Some(&"text 10"));
    let view = self::view(0..2, false);
    assert_eq!(texts(&view), ["— 1970-01-01 —", "text 0", "text 1"]);
    assert!(self::view(0..0, false).rows().is_empty());
}

#[test]
fn a_file_shows_how_far_it_is() {
    use sotto_messenger::records::{File, FileId, FileState, Transfer};
    let mut one = message("m", "c1", "look");
    let id = FileId("f".into());
    one.files = vec![File { id: id.clone(), name: "a".into(), total: 1000, ..File::default() }];
    let mut view = view(0..0, false);
    view.resize(80, 4);
    view.replace(vec![one], false);
    assert_eq!(view.rows().last().unwrap().text, "      ├ file 1 (file, 1.0 KB, not here) a");
    let now = |file: &FileId, have| Transfer {
        file: file.clone(),
        state: FileState::Coming,
        have,
        total: 1000,
        reason: None,
    };
    view.file(&now(&id, 500));
    view.file(&now(&FileId("g".into()), 900));
    assert_eq!(view.rows().last().unwrap().text, "      ├ file 1 (file, coming, 500 B of 1.0 KB) a");
}

#[test]
fn who_reads_above_is_left_there() {
    let mut view = view(0..10, false);
    assert_eq!(view.up(3), None);
    assert_eq!(texts(&view), ["text 3", "text 4", "text 5", "text 6"]);
    view.replace(page(0..12), false);
    assert_eq!(texts(&view), ["text 3", "text 4", "text 5", "text 6"]);
    assert!(!view.is_at_end());
    view.up(1000);
    assert_eq!(texts(&view), ["— 1970-01-01 —", "text 0", "text 1", "text 2"]);
    view.down(1);
    assert_eq!(texts(&view), ["text 0", "text 1", "text 2", "text 3"]);
    view.down(1000);
    assert!(view.is_at_end());
    assert_eq!(texts(&view).last(), Some(&"text 11"));
}

#[test]
fn older_pages_are_asked_for_once_and_let_go_at_the_end() {
    let mut view = view(50..100, true);
    let first = view.up(1000);
    assert_eq!(first.as_deref(), Some("m50"));
    assert_eq!(view.up(1), None, "it was asked for");
    view.prepend(page(0..50), false);
    assert_eq!(texts(&view), ["text 49", "text 50", "text 51", "text 52"]);
    assert_eq!(view.up(1000), None);
    assert_eq!(texts(&view).get(1), Some(&"text 0"));
    assert_eq!(view.loaded(), 100);
    view.follow();
    assert_eq!(view.loaded(), PAGE);
    assert_eq!(texts(&view).last(), Some(&"text 99"));
    assert_eq!(view.up(1000).as_deref(), Some("m50"));
}

#[test]
fn a_state_moves_in_its_place() {
    let mut mine = message("m1", "c1", "hi");
    (mine.mine, mine.state) = (true, MessageState::Queued);
    let mut view = view(0..0, false);
    view.replace(vec![mine.clone()], false);
    let last = |view: &View| view.rows().last().unwrap().text.to_owned();
    assert_eq!(last(&view), "00:00 you (waits): hi");
    assert!(view.state(&mine.id, MessageState::Read));
    assert_eq!(last(&view), "00:00 you (read ✓✓): hi");
    assert!(!view.state(&MessageId("other".into()), MessageState::Read));
    (mine.state, mine.reason) = (MessageState::Failed, Some(Code::MessageNotDelivered));
    view.resize(200, 4);
    view.replace(vec![mine], false);
    assert_eq!(last(&view), "00:00 you (failed: given up after 30 days without a receipt; /retry): hi");
}

#[test]
fn a_long_text_is_scrolled_line_by_line() {
    let long: Vec<String> = (0..100).map(|line| format!("line {line}")).collect();
    let mut view = view(0..0, false);
    view.replace(vec![message("m2", "c1", "after"), message("m1", "c1", &long.join("\n"))], false);
    view.up(2);
    assert_eq!(texts(&view), ["line 95", "line 96", "line 97", "line 98"]);
    assert_eq!(view.rows().first().map(|row| row.part), Some(Part::More));
    view.resize(30, 2);
    assert_eq!(texts(&view), ["line 97", "line 98"]);
    view.up(1000);
    assert_eq!(texts(&view), ["— 1970-01-01 —", "line 0"]);
}

#[test]
fn only_what_they_wrote_and_is_whole_is_marked_read() {
    let mut view = view(0..2, false);
    let id = |id: &str| MessageId(id.into());
    assert_eq!(view.unread(), Some((id("m1"), id("m0"))));
    let mut fetching = message("m2", "c1", "");
    (fetching.text, fetching.fetching) = (None, true);
    let mut messages = page(0..2);
    messages.insert(0, fetching);
    messages[1].state = MessageState::Read;
    view.replace(messages.clone(), false);
    assert_eq!(view.unread(), Some((id("m1"), id("m0"))), "one that came late");
    messages[2].state = MessageState::Read;
    view.replace(messages, false);
    assert_eq!(view.unread(), None);
}

fn picked(view: &View) -> Option<&str> {
    view.picked().map(|one| one.id.0.as_str())
}

/// The picked rows on screen.
fn lit(view: &View) -> Vec<&str> {
    view.rows().iter().filter(|row| row.picked).map(|row| row.text.rsplit(": ").next().unwrap()).collect()
}

#[test]
fn the_picked_message_is_on_screen() {
    let mut view = view(0..10, true);
    assert_eq!((view.pick(false), picked(&view)), (None, None));
    for number in (0..10).rev() {
        assert_eq!(view.pick(true), None);
        assert_eq!(picked(&view), Some(format!("m{number}").as_str()));
        assert_eq!(lit(&view), [format!("text {number}")]);
    }
    assert_eq!(view.pick(true), Some(Wanted::Older("m0".into())), "the older page is loaded");
    assert_eq!(picked(&view), Some("m0"));
    view.replace(page(0..12), true);
    assert_eq!(lit(&view), ["text 0"], "what comes does not move it");
    for number in 1..12 {
        view.pick(false);
        assert_eq!(lit(&view), [format!("text {number}")]);
    }
    view.pick(false);
    assert_eq!(picked(&view), None);
    assert!(view.is_at_end());
    view.pick(true);
    view.replace(page(0..11), true);
    assert_eq!(picked(&view), None, "it has disappeared, and no other is picked instead");
}

#[test]
fn a_picked_text_of_many_lines_shows_its_beginning() {
    let long: Vec<String> = (0..100).map(|line| format!("line {line}")).collect();
    let mut view = view(0..0, false);
    view.replace(vec![message("m2", "c1", "after"), message("m1", "c1", &long.join("\n"))], false);
    view.pick(true);
    view.pick(true);
    assert_eq!(texts(&view)[1..], ["line 0", "line 1", "line 2"]);
    view.pick(false);
    assert_eq!(texts(&view).last(), Some(&"after"));
}

#[test]
fn a_jump_shows_a_page_that_is_not_the_newest() {
    let mut view = view(50..100, true);
    view.around(page(10..30), true, true);
    view.jump(&MessageId("m20".into()));
    assert_eq!(texts(&view), ["text 19", "text 20", "text 21", "text 22"]);
    assert_eq!(lit(&view), ["text 20"]);
    assert!(!view.is_at_end());
    assert_eq!(view.middle(), Some(MessageId("m22".into())));
    assert_eq!(view.down(100), Some(MessageId("m29".into())), "newer ones are loaded");
    assert!(!view.is_at_end(), "the newest loaded is not the newest");
    assert_eq!(texts(&view).last(), Some(&"text 29"));
    view.around(page(20..45), true, true);
    assert_eq!(texts(&view).last(), Some(&"text 29"), "the place stays");
    assert_eq!(view.down(1), None);
    assert_eq!(texts(&view).last(), Some(&"text 30"));
    assert_eq!(view.up(1000).as_deref(), Some("m20"));
    view.around(page(80..100), true, false);
    view.down(1000);
    assert!(view.is_at_end() && view.middle().is_none());
    view.around(page(10..30), true, true);
    assert!(view.follow(), "the newest page is loaded again");
    view.replace(page(50..101), true);
    assert!(view.is_at_end());
    assert_eq!(texts(&view).last(), Some(&"text 100"));
}

#[test]
fn what_belongs_to_a_message_stands_around_it() {
    use sotto_messenger::records::{Reaction, Reply};
    let mut one = message("m1", "c1", "fine, and you?");
    one.reply = Some(Reply {
        message: MessageId("m0".into()),
        text: "how are you? It is a long time since we met".into(),
        mine: Some(true),
        author: None,
        gone: false,
    });
    one.reactions = vec![Reaction { emoji: "👍".into(), count: 1, mine: true }];
    one.edited = true;
    let mut view = view(0..0, false);
    view.resize(40, 10);
    view.replace(vec![one.clone()], false);
    let rows: Vec<(Part, &str)> = view.rows().iter().map(|row| (row.part, row.text)).collect();
    let wanted = [
        (Part::Day, "— 1970-01-01 —"),
        (Part::Note, "      ╭ you: how are you? … since we met"),
        (Part::First { mine: false }, "00:00 Bob: fine, and you?"),
        (Part::Note, "      ╰ [👍 you] · edited"),
    ];
    assert_eq!(rows, wanted);
    one.reactions.clear();
    (one.text, one.reply, one.edited, one.deleted_by) = (None, None, false, Some(ContactId("1".into())));
    view.replace(vec![one], false);
    assert_eq!(view.rows().last().unwrap().text, "00:00 Bob – deleted by Bob");
}

#[test]
fn names_in_a_text_are_marked_where_they_are_drawn() {
    use sotto_messenger::records::Mention;
    let text = "\u{200e}see\t@Alice,\u{202e} then ask @Bob Builder who is there";
    let mention = |name: &str| Mention {
        offset: text.find(name).unwrap() as u32,
        length: name.len() as u32,
        contact: None,
        name: String::new(),
    };
    let mut one = message("m1", "c1", text);
    one.mentions = vec![mention("@Alice"), mention("@Bob Builder")];
    let mut view = view(0..0, false);
    view.resize(40, 10);
    view.replace(vec![one], false);
    let rows = view.rows();
    let marked = |row: &Row<'_>| row.marks.iter().map(|mark| row.text[mark.clone()].to_owned()).collect::<Vec<_>>();
    let marked: Vec<Vec<String>> = rows.iter().map(marked).collect();
    assert_eq!(marked.concat().concat(), "@Alice@Bob Builder");
    assert_eq!(marked[0], [] as [&str; 0], "the date");
}
