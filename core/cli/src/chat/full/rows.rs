//! Draws whole rows. A terminal may draw a character narrower or wider than it is counted here. Drawn cell by cell, as
//! ratatui does, one such character in the list would leave parts of old lines in the conversation beside it, as if its
//! author had written them. So a changed row is cleared first, and the cursor is placed again after each character
//! whose width may differ.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use crossterm::cursor::MoveTo;
use crossterm::queue;
use crossterm::terminal::{self, BeginSynchronizedUpdate, EndSynchronizedUpdate};
use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use unicode_width::UnicodeWidthStr;

/// A backend that remembers the drawn cells, by row and column.
pub(super) struct Rows<W: Write> {
    inner: CrosstermBackend<W>,
    cells: BTreeMap<(u16, u16), Cell>,
}

impl<W: Write> Rows<W> {
    pub(super) fn new(writer: W) -> Self {
        Self { inner: CrosstermBackend::new(writer), cells: BTreeMap::new() }
    }

    fn paint(&mut self, y: u16) -> io::Result<()> {
        queue!(self.inner, MoveTo(0, y), terminal::Clear(terminal::ClearType::UntilNewLine))?;
        let mut run: Vec<(u16, u16, &Cell)> = Vec::new();
        // The cell after a wide character is not drawn.
        let mut free = 0;
        for (&(_, x), cell) in self.cells.range((y, 0)..=(y, u16::MAX)) {
            if x < free || *cell == Cell::EMPTY {
                continue;
            }
            run.push((x, y, cell));
            let symbol = cell.symbol();
            if !symbol.is_ascii() {
                free = x.saturating_add(u16::try_from(symbol.width()).unwrap_or(1));
                // This places the cursor at the beginning of the row.
                self.inner.draw(run.drain(..))?;
            }
        }
        self.inner.draw(run.into_iter())
    }
}

impl<W: Write> Backend for Rows<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut changed = BTreeSet::new();
        for (x, y, cell) in content {
            // The cell under the second half of a wide character is gone.
            for behind in 1..u16::try_from(cell.symbol().width()).unwrap_or(1) {
                self.cells.remove(&(y, x.saturating_add(behind)));
            }
            self.cells.insert((y, x), cell.clone());
            changed.insert(y);
        }
        if changed.is_empty() {
            return Ok(());
        }
        queue!(self.inner, BeginSynchronizedUpdate)?;
        for y in changed {
            self.paint(y)?;
        }
        queue!(self.inner, EndSynchronizedUpdate)
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.inner.hide_cursor()
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.inner.show_cursor()
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        self.inner.get_cursor_position()
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.inner.set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        self.cells.clear();
        self.inner.clear_region(region)
    }

    fn size(&self) -> io::Result<Size> {
        self.inner.size()
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.inner.window_size()
    }

    fn flush(&mut self) -> io::Result<()> {
        Backend::flush(&mut self.inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::num::NonZeroU16;
    use std::rc::Rc;

    use ratatui::layout::Rect;
    use ratatui::{Terminal, TerminalOptions, Viewport};

    #[derive(Clone, Default)]
    struct Written(Rc<RefCell<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// This test's terminal draws U+FFFD with no width, so it is narrower than counted.
    #[test]
    fn a_character_that_is_counted_otherwise_moves_nothing_beside_it() {
        let written = Written::default();
        let viewport = Viewport::Fixed(Rect::new(0, 0, 40, 3));
        let mut screen = Terminal::with_options(Rows::new(written.clone()), TerminalOptions { viewport }).unwrap();
        let size = |number| NonZeroU16::new(number).unwrap();
        let mut shown = vt100::Parser::new(size(3), size(40), 0);
        for (list, beside) in [
            ("a plain preview", "Bob: some old line"),
            ("\u{fffd}\u{fffd}\u{fffd} odd \u{fffd}\u{fffd}", "Bob: a new line"),
            ("漢字 👨‍👩‍👧‍👦", "Bob: \u{fffd} 漢 x"),
            ("", "Bob: "),
        ] {
            let draw = |frame: &mut ratatui::Frame<'_>| {
                let blank = " ".repeat(40);
                for (x, text) in [(0, blank.as_str()), (0, list), (18, "│"), (20, beside)] {
                    frame.buffer_mut().set_stringn(x, 1, text, 40, ratatui::style::Style::new());
                }
            };
            screen.draw(draw).unwrap();
            shown.process(&std::mem::take(&mut *written.0.borrow_mut()));
            let row = |from, to| shown.screen().contents_between(1, from, 1, to).trim_end().to_owned();
            assert_eq!(row(20, 40), beside.replace('\u{fffd}', " ").trim_end(), "{list}");
            assert_eq!(row(18, 20), "│");
        }
    }
}
