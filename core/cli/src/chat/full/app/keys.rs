//! Actions of keys.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::{Action, App};
use crate::chat::command::WORDS;
use crate::chat::full::layout;
use crate::chat::full::view::Wanted;
use crate::chat::lines;

/// The notice for a text over 1 MiB.
const TOO_LONG: &str = "! That is too long: a text has at most 1 MiB.";

impl App {
    pub(super) fn key(&mut self, key: KeyEvent) -> Vec<Action> {
        if key.kind == KeyEventKind::Release {
            return Vec::new();
        }
        self.touched = true;
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        let shift = key.modifiers.contains(KeyModifiers::SHIFT);
        if ctrl && matches!(key.code, KeyCode::Char('c' | 'q')) {
            return vec![Action::Quit];
        }
        if self.outside.is_some() {
            if matches!(key.code, KeyCode::Enter | KeyCode::Esc) {
                self.outside = None;
            }
            return Vec::new();
        }
        if key.code != KeyCode::Tab {
            self.completion = None;
        }
        match key.code {
            KeyCode::Char('n') if ctrl => return self.step(1),
            KeyCode::Char('p') if ctrl => return self.step(-1),
            KeyCode::Up if ctrl => return self.pick(true),
            KeyCode::Down if ctrl => return self.pick(false),
            KeyCode::Char('r') if ctrl => return self.pick(true),
            KeyCode::Char('t') if ctrl => return self.pick(false),
            KeyCode::Down if alt => return self.step(1),
            KeyCode::Up if alt => return self.step(-1),
            KeyCode::Enter if !(alt || shift || ctrl) => return self.enter(),
            KeyCode::Char('o') if ctrl => self.order(),
            KeyCode::Esc => return self.escape(),
            KeyCode::PageUp => return self.scroll(true, None),
            KeyCode::PageDown => return self.scroll(false, None),
            KeyCode::Up if shift => return self.scroll(true, Some(1)),
            KeyCode::Down if shift => return self.scroll(false, Some(1)),
            KeyCode::End if ctrl => return self.escape(),
            KeyCode::F(1) => self.help(),
            KeyCode::Tab => self.complete(),
            // A slow line delivers Esc and the next key together, as Alt. The key counts as text, so that no key is
            // lost and a command stays a command.
            KeyCode::Char(c) if alt && !ctrl && !matches!(c, 'b' | 'f' | 'd') => {
                let actions = self.escape();
                self.insert(c.encode_utf8(&mut [0; 4]));
                return actions;
            }
            code => self.edit(code, ctrl, alt),
        }
        Vec::new()
    }

    /// Inserts pasted text as one text, whatever it contains.
    pub(super) fn paste(&mut self, text: &str) -> Vec<Action> {
        self.touched = true;
        self.completion = None;
        if self.outside.is_none() {
            // Terminals paste a newline as the key Enter.
            self.insert(&text.replace("\r\n", "\n").replace('\r', "\n"));
        }
        Vec::new()
    }

    /// Moves the cursor or changes the text.
    fn edit(&mut self, code: KeyCode, ctrl: bool, alt: bool) {
        match code {
            KeyCode::Char(c) if !ctrl && !alt => return self.insert(c.encode_utf8(&mut [0; 4])),
            KeyCode::Enter => return self.insert("\n"),
            KeyCode::Char('j') if ctrl => return self.insert("\n"),
            KeyCode::Up | KeyCode::Down => self.begin(),
            _ => {}
        }
        let editor = self.editor_mut();
        match code {
            KeyCode::Up => editor.up(),
            KeyCode::Down => editor.down(),
            KeyCode::Left if ctrl || alt => editor.word_left(),
            KeyCode::Right if ctrl || alt => editor.word_right(),
            KeyCode::Left => editor.left(),
            KeyCode::Right => editor.right(),
            KeyCode::Home => editor.home(),
            KeyCode::End => editor.end(),
            KeyCode::Backspace if ctrl || alt => editor.delete_word(),
            KeyCode::Backspace => editor.backspace(),
            KeyCode::Delete if ctrl || alt => editor.delete_word_after(),
            KeyCode::Delete => editor.delete(),
            KeyCode::Char('b') if alt => editor.word_left(),
            KeyCode::Char('f') if alt => editor.word_right(),
            KeyCode::Char('d') if alt => editor.delete_word_after(),
            KeyCode::Char('b') => editor.left(),
            KeyCode::Char('f') => editor.right(),
            KeyCode::Char('a') => editor.home(),
            KeyCode::Char('e') => editor.end(),
            KeyCode::Char('d') => editor.delete(),
            KeyCode::Char('h') => editor.backspace(),
            KeyCode::Char('w') => editor.delete_word(),
            KeyCode::Char('u') => editor.delete_to_start(),
            KeyCode::Char('k') => editor.delete_to_end(),
            _ => {}
        }
    }

    fn insert(&mut self, text: &str) {
        self.begin();
        if !self.editor_mut().insert(text) {
            self.say(TOO_LONG.into());
        }
    }

    /// Begins typing if nothing was typed yet: records whether the aim was drawn, and the names.
    fn begin(&mut self) {
        let seen = self.is_seen();
        if self.editor().text().is_empty() {
            self.roster = self.names();
        }
        self.editor_mut().begin(seen);
    }

    /// Whether the aim was drawn.
    fn is_seen(&self) -> bool {
        self.view.is_none() || self.on_screen == self.aim()
    }

    /// Sends the text or runs the command, if the person could see what it is about. Without a text, begins a reply to
    /// the picked message.
    fn enter(&mut self) -> Vec<Action> {
        if self.editor().text().trim().is_empty() {
            if self.ordering || !self.is_seen() || self.picked().is_err() {
                return Vec::new();
            }
            return match self.begin_reply() {
                Ok(()) => Vec::new(),
                Err(why) => self.refuse(&why),
            };
        }
        if self.is_registering() {
            return self.register();
        }
        if !self.is_seen() || self.editor().is_blind() {
            self.editor_mut().open_eyes();
            let to = self.view.as_ref().map(|view| view.label().to_owned()).unwrap_or_default();
            let about = self.aim().is_some_and(|aim| aim.picked.or(aim.reply).or(aim.edit).is_some());
            let what = if about { " and its message" } else { "" };
            return self
                .refuse(&format!("Not sent: typed before {to}{what} was on screen. Look, then press Enter again."));
        }
        let text = self.editor().text().to_owned();
        if text.trim_end().contains('\n') && !self.ordering {
            return self.send(text.trim_end()).unwrap_or_else(|why| self.refuse(&why));
        }
        self.obey(&text)
    }

    /// Refuses with a notice; the typed text stays.
    pub(super) fn refuse(&mut self, why: &str) -> Vec<Action> {
        self.say(format!("! {why}"));
        Vec::new()
    }

    /// Switches between the text and a command line.
    fn order(&mut self) {
        self.ordering = !self.ordering && !self.is_registering();
        self.orders.clear();
        if self.ordering {
            self.roster = self.names();
            self.orders.begin(self.is_seen());
            self.orders.insert("/");
        }
    }

    fn escape(&mut self) -> Vec<Action> {
        if self.ordering {
            self.order();
        } else if self.panel.take().is_none() {
            return self.step_back();
        }
        Vec::new()
    }

    /// Scrolls the panel if one is open, else the conversation.
    fn scroll(&mut self, up: bool, lines: Option<usize>) -> Vec<Action> {
        let (total, height) = layout::panel(self);
        if let Some(panel) = self.panel.as_mut().filter(|_| total > height) {
            let count = lines.unwrap_or(height);
            let lowest = total.saturating_sub(height);
            let scroll = if up { panel.scroll.saturating_sub(count) } else { panel.scroll.saturating_add(count) };
            panel.scroll = scroll.min(lowest);
            return Vec::new();
        }
        let Some(view) = &mut self.view else {
            return Vec::new();
        };
        let count = lines.unwrap_or(view.screenful());
        if up {
            let wanted = view.up(count).map(Wanted::Older);
            return self.load(wanted);
        }
        let wanted = view.down(count).map(Wanted::Newer);
        let mut actions = self.load(wanted);
        actions.extend(self.mark_read());
        actions
    }

    /// Opens the next or the previous conversation of the list.
    fn step(&mut self, by: isize) -> Vec<Action> {
        let open = self.view.as_ref().map(|view| &view.conversation);
        let at = self.rows.iter().position(|row| Some(&row.conversation) == open);
        let next = match at {
            Some(at) => at.checked_add_signed(by).filter(|next| *next < self.rows.len()),
            None => (!self.rows.is_empty()).then_some(0),
        };
        match next.and_then(|next| self.rows.get(next)).map(|row| row.contact.clone()) {
            Some(contact) => self.open(&contact),
            None if self.rows.is_empty() => self.refuse("There is no conversation yet: /invite, or /add LINK."),
            None => Vec::new(),
        }
    }

    /// Completes a command or a name; pressed again, the next match.
    fn complete(&mut self) {
        let (typed, count) = self.completion.take().unwrap_or_else(|| (self.editor().text().to_owned(), 0));
        let found = self.candidates(&typed);
        if let Some(text) = found.get(count.checked_rem(found.len()).unwrap_or(0)).cloned() {
            self.editor_mut().set(text);
            self.completion = Some((typed, count.saturating_add(1)));
        }
    }

    /// Whole lines that begin like the typed one.
    fn candidates(&self, typed: &str) -> Vec<String> {
        let Some(command) = typed.strip_prefix('/') else {
            return Vec::new();
        };
        let Some((word, name)) = command.split_once(' ') else {
            let words = WORDS.iter().copied().chain(["notices"]);
            return words.filter(|word| word.starts_with(command)).map(|word| format!("/{word} ")).collect();
        };
        if !matches!(word, "to" | "accept" | "decline" | "block" | "unblock" | "remove" | "forward") {
            return Vec::new();
        }
        let (before, name) = match name.rsplit_once(',').filter(|_| word == "forward") {
            Some((before, name)) => (format!("{before}, "), name),
            None => (String::new(), name),
        };
        let name = lines::bare(name);
        let labels = self.names().into_iter().map(|(_, label, _)| label);
        let fits = |label: &String| lines::bare(label).starts_with(&name);
        labels.filter(fits).map(|label| format!("/{word} {before}{label}")).collect()
    }
}
