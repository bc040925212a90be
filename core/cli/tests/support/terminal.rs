#![allow(dead_code, unreachable_pub, reason = "as support")]
//! A terminal: the real program on a pseudo-terminal, and the screen that a person would see.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Instant;

use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};
use rustix::termios::{LocalModes, tcgetattr};
use vt100::{Parser, Screen};

use crate::support::{PATIENCE, signal};

pub const ENTER: &str = "\r";
pub const ESC: &str = "\u{1b}";

/// The screen, and whether the program released it.
struct Shown {
    parser: Parser,
    ended: bool,
}

pub struct Terminal {
    pub child: Child,
    pty: Arc<Pty>,
    shown: Arc<(Mutex<Shown>, Condvar)>,
    /// Line by line and with echo, as a shell sets it.
    modes: LocalModes,
}

fn at_least_one(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).unwrap_or(NonZeroU16::MIN)
}

impl Terminal {
    /// `sotto chat` on a folder, on a terminal of 24 rows.
    pub fn chat(folder: &Path, node: &str, more: &[&str]) -> Self {
        let (program, folder) = (env!("CARGO_BIN_EXE_sotto"), folder.to_str().unwrap());
        let command = Command::new(program).args(["chat", "--node", node, "--data", folder]).args(more);
        Self::start(command, 100, 24)
    }

    pub fn start(command: Command, columns: u16, rows: u16) -> Self {
        let (pty, pts) = open().unwrap();
        pty.resize(Size::new(rows, columns)).unwrap();
        let modes = tcgetattr(&pty).unwrap().local_modes;
        let child = command.env("TERM", "xterm-256color").spawn(pts).unwrap();
        let (pty, parser) = (Arc::new(pty), Parser::new(at_least_one(rows), at_least_one(columns), 0));
        let shown = Arc::new((Mutex::new(Shown { parser, ended: false }), Condvar::new()));
        let (from, to) = (Arc::clone(&pty), Arc::clone(&shown));
        thread::spawn(move || {
            let mut bytes = [0; 65_536];
            loop {
                // Without the program the terminal ends with an error.
                let count = (&*from).read(&mut bytes).unwrap_or(0);
                let mut shown = to.0.lock().unwrap();
                shown.parser.process(&bytes[..count]);
                shown.ended = count == 0;
                to.1.notify_all();
                if count == 0 {
                    break;
                }
            }
        });
        Self { child, pty, shown, modes }
    }

    /// Types keys.
    pub fn write(&self, text: &str) {
        (&*self.pty).write_all(text.as_bytes()).unwrap();
    }

    /// Pastes as terminals do: in brackets, with the key Enter for a newline.
    pub fn paste(&self, text: &str) {
        self.write(&format!("\u{1b}[200~{}\u{1b}[201~", text.replace('\n', "\r")));
    }

    pub fn resize(&self, columns: u16, rows: u16) {
        self.shown.0.lock().unwrap().parser.screen_mut().set_size(at_least_one(rows), at_least_one(columns));
        self.pty.resize(Size::new(rows, columns)).unwrap();
    }

    /// Waits for a state of the screen; returns the screen.
    pub fn until_screen(&self, what: &str, fits: impl Fn(&Screen) -> bool) -> String {
        let end = Instant::now() + PATIENCE;
        let mut shown = self.shown.0.lock().unwrap();
        loop {
            let screen = shown.parser.screen();
            if fits(screen) {
                return screen.contents();
            }
            assert!(!shown.ended, "ended before {what}:\n{}", screen.contents());
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no {what} in time:\n{}", screen.contents());
            shown = self.shown.1.wait_timeout(shown, left).unwrap().0;
        }
    }

    /// Waits until this text is on the screen.
    pub fn until(&self, wanted: &str) -> String {
        self.until_screen(wanted, |screen| screen.contents().contains(wanted))
    }

    /// Waits until the input goes to this person.
    pub fn until_to(&self, name: &str) -> String {
        self.until(&format!("── to {name} ─"))
    }

    /// The screen now.
    pub fn contents(&self) -> String {
        self.shown.0.lock().unwrap().parser.screen().contents()
    }

    /// Waits for the end of the program: its status, and the terminal as the shell had set it.
    pub fn ended(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < end, "does not end:\n{}", self.contents());
            thread::sleep(std::time::Duration::from_millis(5));
        };
        let mut shown = self.shown.0.lock().unwrap();
        while !shown.ended {
            shown = self.shown.1.wait(shown).unwrap();
        }
        let screen = shown.parser.screen();
        assert!(!screen.alternate_screen(), "the shell's screen is back");
        assert!(!screen.bracketed_paste() && !screen.hide_cursor());
        assert_eq!(tcgetattr(&*self.pty).unwrap().local_modes, self.modes, "lines and echo are back");
        status
    }

    pub fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
