//! Layout of the screen for any size.

use ratatui::layout::Rect;

use super::app::App;
use crate::chat::lines;

/// Columns from which the list stands beside the conversation.
const WIDE: u16 = 70;
/// Indent of a continued line.
const BACK: &str = "    ";
/// Most rows of the last notice.
const SAID: usize = 3;

/// The areas of the screen. An area without room has no rows or columns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Areas {
    pub(super) list: Rect,
    /// The line between the list and the conversation.
    pub(super) border: Rect,
    pub(super) title: Rect,
    pub(super) messages: Rect,
    pub(super) panel: Rect,
    pub(super) said: Rect,
    pub(super) addressee: Rect,
    pub(super) input: Rect,
    pub(super) status: Rect,
}

/// Divides the screen. The input gets room first, then its title, the status line, and the rest from above.
pub(super) fn areas(app: &App) -> Areas {
    let (columns, rows) = app.size;
    let mut left = rows;
    let mut take = |wanted: u16| {
        let taken = wanted.min(left);
        left = left.saturating_sub(taken);
        taken
    };
    let input = take(1);
    let addressee = take(1);
    let status = take(1);
    let most = (rows / 3).max(1).saturating_sub(1);
    let input =
        input.saturating_add(take(height(app.editor().rows(columns.into()).rows.len()).saturating_sub(1).min(most)));
    let said = match &app.said {
        Some(text) if rows > 5 => take(height(broken(text, columns).len().min(SAID))),
        _ => 0,
    };
    let main = left;
    let mut areas = Areas::default();
    let mut y = main;
    let mut place = |rows: u16| {
        let at = Rect::new(0, y, columns, rows);
        y = y.saturating_add(rows);
        at
    };
    areas.said = place(said);
    areas.addressee = place(addressee);
    areas.input = place(input);
    areas.status = place(status);
    split(app, Rect::new(0, 0, columns, main), &mut areas);
    areas
}

/// The areas of list and conversation: side by side, or one of them.
fn split(app: &App, main: Rect, areas: &mut Areas) {
    let has_list = !app.rows.is_empty();
    let open = app.view.is_some() || app.panel.is_some();
    let list = match (has_list, main.width >= WIDE) {
        (false, _) => 0,
        (true, true) => (main.width / 3).min(34),
        (true, false) if open => 0,
        (true, false) => main.width,
    };
    areas.list = Rect { width: list, ..main };
    let border = u16::from(list > 0 && list < main.width);
    areas.border = Rect { x: list, width: border, ..main };
    let x = list.saturating_add(border);
    let column = Rect { x, width: main.width.saturating_sub(x), ..main };
    let title = u16::from(app.view.is_some() && main.height > 2);
    areas.title = Rect { height: title, ..column };
    let rest = main.height.saturating_sub(title);
    let panel = match &app.panel {
        Some(panel) if column.width > 0 => {
            let wanted = height(broken(&panel.text, column.width).len()).saturating_add(1);
            // The conversation stays visible, if one is open.
            let most = if app.view.is_some() { rest.saturating_sub((rest / 3).min(6)) } else { rest };
            wanted.min(most)
        }
        _ => 0,
    };
    let y = main.y.saturating_add(title);
    areas.messages = Rect { y, height: rest.saturating_sub(panel), ..column };
    areas.panel = Rect { y: y.saturating_add(rest).saturating_sub(panel), height: panel, ..column };
}

/// The panel's lines, and how many of them fit.
pub(super) fn panel(app: &App) -> (usize, usize) {
    let area = areas(app).panel;
    let total = app.panel.as_ref().map_or(0, |panel| broken(&panel.text, area.width).len());
    (total, usize::from(area.height.saturating_sub(1)))
}

/// Lines of the program's own text, at most `width` columns. Continued lines are indented, because they may contain
/// names.
pub(super) fn broken(text: &str, width: u16) -> Vec<String> {
    let width = usize::from(width.max(1));
    let mut broken = Vec::new();
    for line in text.split('\n') {
        for (number, range) in lines::wrap(line, width, width.saturating_sub(BACK.len()).max(1)).into_iter().enumerate()
        {
            let back = if number == 0 { "" } else { BACK };
            broken.push(format!("{back}{}", line.get(range).unwrap_or_default()));
        }
    }
    broken
}

fn height(lines: usize) -> u16 {
    u16::try_from(lines).unwrap_or(u16::MAX)
}
