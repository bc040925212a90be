//! The terminal: its modes, which are always restored, its keys, and its drawing.

use std::io::{self, Stdout, Write};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::Show;
use crossterm::event::{
    self, DisableBracketedPaste, DisableFocusChange, EnableBracketedPaste, EnableFocusChange, Event,
};
use crossterm::execute;
use crossterm::terminal::{
    self, Clear, ClearType, DisableLineWrap, EnableLineWrap, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use ratatui::Terminal;
use tokio::sync::mpsc;

use super::app::{App, Input};
use super::draw::draw;
use super::rows::Rows;

/// Keys read ahead.
const DEPTH: usize = 64;

/// Whether the modes are on.
static ON: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// A terminal to draw on. Dropping it restores the modes, and so does a panic of any thread.
pub(super) struct Tty {
    terminal: Terminal<Rows<Stdout>>,
    /// Text shown outside of the full screen.
    outside: Option<String>,
}

impl Tty {
    pub(super) fn enter() -> io::Result<Self> {
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                restore();
                before(info);
            }));
        });
        ON.store(true, Ordering::SeqCst);
        let entered = enable_raw_mode()
            .and_then(|()| screen())
            .and_then(|()| execute!(io::stdout(), EnableBracketedPaste, EnableFocusChange))
            .and_then(|()| Terminal::new(Rows::new(io::stdout())));
        match entered {
            Ok(terminal) => Ok(Self { terminal, outside: None }),
            Err(error) => {
                restore();
                Err(error)
            }
        }
    }

    pub(super) fn size(&self) -> io::Result<(u16, u16)> {
        terminal::size()
    }

    /// Draws the state on the screen, or prints the text to copy outside of it.
    pub(super) fn draw(&mut self, app: &App) -> io::Result<()> {
        match (&app.outside, &self.outside) {
            (Some(text), shown) => {
                if shown.as_ref() != Some(text) {
                    leave(text)?;
                    self.outside = Some(text.clone());
                }
                return Ok(());
            }
            (None, Some(_)) => {
                screen()?;
                // `Terminal::clear` would ask the terminal for its cursor, and the answer would arrive as a key.
                self.terminal = Terminal::new(Rows::new(io::stdout()))?;
                self.outside = None;
            }
            (None, None) => {}
        }
        self.terminal.draw(|frame| draw(app, frame)).map(|_| ())
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        restore();
    }
}

/// Enters the alternate screen, where the terminal breaks no lines and the wheel types no arrow keys (mode 1007 of
/// xterm).
fn screen() -> io::Result<()> {
    write!(io::stdout(), "\u{1b}[?1007s\u{1b}[?1007l")?;
    execute!(io::stdout(), EnterAlternateScreen, DisableLineWrap, Clear(ClearType::All))
}

/// Returns to the shell's screen and prints a text.
fn leave(text: &str) -> io::Result<()> {
    let mut out = io::stdout();
    execute!(out, EnableLineWrap, LeaveAlternateScreen, Show)?;
    write!(out, "\r\n{}\r\n", text.replace('\n', "\r\n"))?;
    out.flush()
}

/// Restores all modes, once. A closed terminal needs nothing.
fn restore() {
    if ON.swap(false, Ordering::SeqCst) {
        let _ = write!(io::stdout(), "\u{1b}[?1007r");
        let _ = execute!(
            io::stdout(),
            EnableLineWrap,
            DisableFocusChange,
            DisableBracketedPaste,
            LeaveAlternateScreen,
            Show
        );
        let _ = disable_raw_mode();
    }
}

/// Keys and sizes, from a thread that sleeps until there are any. The channel ends with the terminal.
pub(super) fn inputs() -> io::Result<mpsc::Receiver<Input>> {
    let (sender, receiver) = mpsc::channel(DEPTH);
    std::thread::Builder::new().name("keys".into()).spawn(move || {
        while let Ok(event) = event::read() {
            let input = match event {
                Event::Key(key) => Input::Key(key),
                Event::Paste(text) => Input::Paste(text),
                Event::Resize(columns, rows) => Input::Size(columns, rows),
                Event::FocusGained => Input::Focus(true),
                Event::FocusLost => Input::Focus(false),
                Event::Mouse(_) => continue,
            };
            if sender.blocking_send(input).is_err() {
                break;
            }
        }
    })?;
    Ok(receiver)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    /// [`a_panic_gives_the_terminal_back`] runs this on a terminal of its own.
    #[test]
    #[ignore = "needs a terminal"]
    fn panics_on_the_screen() {
        let mut tty = Tty::enter().unwrap();
        let mut app = App::new(sotto_messenger::Mode::Light, tty.size().unwrap());
        app.handle(0, Input::Said("before the panic".into()));
        tty.draw(&app).unwrap();
        std::thread::spawn(|| panic!("and after it")).join().unwrap_err();
        std::process::exit(9);
    }

    #[test]
    fn a_panic_gives_the_terminal_back() {
        let (mut pty, pts) = pty_process::blocking::open().unwrap();
        pty.resize(pty_process::Size::new(24, 80)).unwrap();
        let before = rustix::termios::tcgetattr(&pty).unwrap().local_modes;
        let this = std::env::current_exe().unwrap();
        let name = concat!(module_path!(), "::panics_on_the_screen").split_once("::").unwrap().1;
        let arguments = ["--exact", name, "--ignored", "--nocapture"];
        let command = pty_process::blocking::Command::new(this).args(arguments).env("RUST_BACKTRACE", "0");
        let mut child = command.spawn(pts).unwrap();
        let (mut all, mut bytes) = (Vec::new(), [0; 4096]);
        while let Ok(count @ 1..) = pty.read(&mut bytes) {
            all.extend_from_slice(&bytes[..count]);
        }
        assert_eq!(child.wait().unwrap().code(), Some(9));
        let all = String::from_utf8_lossy(&all);
        let (screen, after) = all.split_once("\u{1b}[?1049l").expect("the shell's screen is back");
        assert!(screen.contains("before the panic") && after.contains("and after it"), "{all}");
        assert!(screen.contains("\u{1b}[?2004l") && screen.contains("\u{1b}[?7h"), "{all}");
        assert_eq!(rustix::termios::tcgetattr(&pty).unwrap().local_modes, before);
    }
}
