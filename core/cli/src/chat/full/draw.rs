//! Draws the state. All text of others has passed [`lines::harmless`] or [`lines::name`] before.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Modifier, Style};
use sotto_messenger::records::ContactState;
use unicode_width::UnicodeWidthStr;

use super::app::App;
use super::layout::{self, areas, broken};
use super::view::Part;
use crate::chat::lines::{self, fit};

/// The line between the list and the conversation, with a left-to-right mark. A terminal that reorders Hebrew and
/// Arabic text by itself then cannot move a text across the line.
const BORDER: &str = "│\u{200e}";
/// A name in a text.
const MENTION: Style = Style::new().fg(Color::Cyan).add_modifier(Modifier::UNDERLINED);
/// Rows of one conversation in the list.
const ENTRY: u16 = 2;

pub(super) fn draw(app: &App, frame: &mut Frame<'_>) {
    let areas = areas(app);
    list(app, frame, areas.list);
    let border = areas.border.intersection(frame.area());
    for row in border.rows().filter(|row| !row.is_empty()) {
        if let Some(cell) = frame.buffer_mut().cell_mut(row.as_position()) {
            cell.set_symbol(BORDER).set_style(dim());
        }
    }
    put(frame, areas.title, &app.title(), Style::new().add_modifier(Modifier::REVERSED));
    messages(app, frame, areas.messages);
    panel(app, frame, areas.panel);
    if let Some(said) = &app.said {
        for (line, row) in broken(said, areas.said.width).into_iter().zip(areas.said.rows()) {
            put(frame, row, &line, bold());
        }
    }
    addressee(app, frame, areas.addressee);
    input(app, frame, areas.input);
    put(frame, areas.status, &app.status.sentence(), Style::new().add_modifier(Modifier::REVERSED));
}

/// One line, cut or padded to its place.
fn put(frame: &mut Frame<'_>, area: Rect, text: &str, style: Style) {
    let area = area.intersection(frame.area());
    if area.is_empty() {
        return;
    }
    let width = usize::from(area.width);
    let text = fit(text, width);
    let blanks = " ".repeat(width.saturating_sub(text.width()));
    frame.buffer_mut().set_stringn(area.x, area.y, format!("{text}{blanks}"), width, style);
}

fn dim() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}

fn bold() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

/// The conversation list, scrolled to the open conversation.
fn list(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let open = app.view.as_ref().map(|view| &view.conversation);
    let at = app.rows.iter().position(|row| Some(&row.conversation) == open).unwrap_or(0);
    let room = usize::from((area.height / ENTRY).max(1));
    let first = at.saturating_add(1).saturating_sub(room);
    let mut y = area.y;
    for row in app.rows.iter().skip(first) {
        if y >= area.bottom() {
            break;
        }
        let is_open = Some(&row.conversation) == open;
        let mark = match row.state {
            _ if is_open => "▶ ",
            ContactState::Incoming => "? ",
            _ => "  ",
        };
        let unread = if row.unread > 0 { format!(" ({})", row.unread) } else { String::new() };
        let width = usize::from(area.width);
        let room = width.saturating_sub(mark.width()).saturating_sub(unread.width());
        let head = format!("{mark}{}{unread}", fit(&row.label, room));
        let style = if is_open || row.unread > 0 { bold() } else { Style::new() };
        put(frame, Rect { y, height: 1, ..area }, &head, style);
        let below = Rect { y: y.saturating_add(1), height: 1, ..area };
        if below.y < area.bottom() {
            put(frame, below, &format!("  {}", start(&row.preview, width.saturating_sub(2))), dim());
        }
        y = y.saturating_add(ENTRY);
    }
}

/// The beginning of a text on one line.
fn start(text: &str, width: usize) -> String {
    let flat = text.replace('\n', " ");
    if flat.width() <= width {
        return flat;
    }
    let line = lines::wrap(&flat, width.saturating_sub(1), width).into_iter().next().unwrap_or(0..0);
    format!("{}…", flat.get(line).unwrap_or_default().trim_end())
}

/// The open conversation, its newest line at the bottom.
fn messages(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let Some(view) = &app.view else {
        if app.rows.is_empty() && app.panel.is_none() {
            welcome(app, frame, area);
        }
        return;
    };
    let rows = view.rows();
    let mut y = area.bottom().saturating_sub(u16::try_from(rows.len()).unwrap_or(u16::MAX).min(area.height));
    let skipped = rows.len().saturating_sub(area.height.into());
    for row in rows.into_iter().skip(skipped) {
        let place = Rect { y, height: 1, ..area };
        let (begin, style) = match row.part {
            Part::Day | Part::Note | Part::Picture(_) => ("", dim()),
            Part::First { mine: true } => ("", Style::new()),
            Part::First { mine: false } => ("", bold()),
            Part::More => (lines::MORE, Style::new()),
        };
        let style = if row.picked { style.add_modifier(Modifier::REVERSED) } else { style };
        put(frame, place, &format!("{begin}{}", row.text), style);
        if let Part::Picture(colour) = row.part {
            // In the indent, where no text reaches.
            let block = Rect { x: place.x.saturating_add(2), width: 3, ..place };
            frame.buffer_mut().set_style(block.intersection(place), Style::reset().bg(nearest(colour)));
        }
        for mark in row.marks {
            let width = |text: Option<&str>| u16::try_from(text.unwrap_or_default().width()).unwrap_or(u16::MAX);
            let x = width(Some(begin)).saturating_add(width(row.text.get(..mark.start)));
            let name = Rect { x: place.x.saturating_add(x), width: width(row.text.get(mark)), ..place };
            frame.buffer_mut().set_style(name.intersection(place), MENTION);
        }
        y = y.saturating_add(1);
    }
}

/// The nearest of the 216 colours that terminals of 256 colours share.
fn nearest([red, green, blue]: [u8; 3]) -> Color {
    // Levels 0, 95, 135, 175, 215, 255.
    let level = |value: u8| value.saturating_sub(35) / 40;
    let level = |value: u8| if value < 48 { 0 } else { level(value).max(1) };
    let index =
        [red, green, blue].into_iter().fold(0_u8, |index, value| index.wrapping_mul(6).wrapping_add(level(value)));
    Color::Indexed(index.saturating_add(16))
}

/// The text of an empty screen.
fn welcome(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let text = match &app.own {
        Some(own) => format!(
            "You are {} {}.\n\n/invite makes a link for a friend, /add LINK takes theirs. /help shows the rest.",
            lines::name(&own.name),
            own.emoji_hash.concat()
        ),
        None if app.is_registering() => "There is no account here yet. What is your name?".into(),
        None => return,
    };
    for (line, row) in broken(&text, area.width).into_iter().zip(area.rows()) {
        put(frame, row, &line, Style::new());
    }
}

fn panel(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let Some(panel) = app.panel.as_ref().filter(|_| !area.is_empty()) else {
        return;
    };
    let (total, height) = layout::panel(app);
    let first = panel.scroll.min(total.saturating_sub(height));
    let more = match total > height {
        true => format!(" ({}–{} of {total}, PageUp, PageDown)", first.saturating_add(1), first.saturating_add(height)),
        false => String::new(),
    };
    let title = format!("── {}{more}, Esc closes ", panel.title);
    put(frame, Rect { height: 1, ..area }, &ruled(&title, area.width), bold());
    let lines = broken(&panel.text, area.width).into_iter().skip(first);
    for (line, row) in lines.zip(area.rows().skip(1)) {
        put(frame, row, &line, Style::new());
    }
}

/// The title of the input: receiver and length.
fn addressee(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let text = app.editor().text();
    let lines = text.split('\n').count();
    let size = if lines > 1 { format!(" ({lines} lines, {} B)", text.len()) } else { String::new() };
    let room = usize::from(area.width).saturating_sub(size.width()).saturating_sub(4);
    let line = format!("── {}{size} ", fit(&app.addressee(), room));
    put(frame, area, &ruled(&line, area.width), bold());
}

fn ruled(text: &str, width: u16) -> String {
    format!("{text}{}", "─".repeat(usize::from(width).saturating_sub(text.width())))
}

/// The typed text around the cursor.
fn input(app: &App, frame: &mut Frame<'_>, area: Rect) {
    if area.is_empty() {
        return;
    }
    let drawn = app.editor().rows(area.width.into());
    let height = usize::from(area.height);
    let first = drawn.row.saturating_add(1).saturating_sub(height);
    for (line, row) in drawn.rows.iter().skip(first).zip(area.rows()) {
        put(frame, row, line, Style::new());
    }
    let column = u16::try_from(drawn.column).unwrap_or(u16::MAX).min(area.width.saturating_sub(1));
    let row = u16::try_from(drawn.row.saturating_sub(first)).unwrap_or(u16::MAX);
    frame.set_cursor_position(Position::new(area.x.saturating_add(column), area.y.saturating_add(row)));
}

#[cfg(test)]
mod tests;
