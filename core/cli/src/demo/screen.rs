//! The transcript of the demo.

use std::cell::RefCell;
use std::io::{self, Write};
use std::time::Instant;

use crate::exit::Failure;

/// The transcript's stream: standard output, or standard error when standard output is for data.
pub(crate) struct Screen {
    started: Instant,
    aside: bool,
    waiting_for: RefCell<String>,
}

impl Screen {
    pub(crate) fn new(aside: bool) -> Self {
        Self { started: Instant::now(), aside, waiting_for: RefCell::new("the beginning".into()) }
    }

    /// Prints a line with the time since the start.
    pub(crate) fn say(&self, text: &str) -> Result<(), Failure> {
        let seconds = self.started.elapsed().as_secs_f32();
        self.raw(&format!("{seconds:5.1} s  {text}"))
    }

    /// Prints a line that continues the one above.
    pub(crate) fn more(&self, text: &str) -> Result<(), Failure> {
        self.raw(&format!("         {text}"))
    }

    fn raw(&self, text: &str) -> Result<(), Failure> {
        let written = if self.aside { writeln!(io::stderr().lock(), "{text}") } else { crate::output::line(text) };
        written.map_err(Failure::io)
    }

    /// The missing state that a failure would name.
    pub(crate) fn wait_for(&self, what: &str) {
        what.clone_into(&mut self.waiting_for.borrow_mut());
    }

    pub(crate) fn waiting_for(&self) -> String {
        self.waiting_for.borrow().clone()
    }
}
