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
fn dates() {
    assert_eq!(date(0), "1970-01-01");
    assert_eq!(date(20_786), "2026-11-29");
    assert_eq!(date(11_016), "2000-02-29");
    assert_eq!(date(-1), "1969-12-31");
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
