//! Runs the life under `strace`.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output};

/// The program.
const LIFE: &str = env!("CARGO_BIN_EXE_life");
/// All calls that change files. The record is written by `writev`, databases by the others.
pub(crate) const CHANGES: &str = "write,pwrite64,ftruncate,unlink,fsync,fdatasync,writev";

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    Finished,
    Killed,
}

/// Runs the life to its end, undisturbed.
pub(crate) fn finish(folder: &Path, when: &str) {
    let output = Command::new(LIFE).arg(folder).output().unwrap();
    assert!(output.status.success(), "{when}: {}", said(&output));
}

/// A run that is traced or disturbed.
pub(crate) struct Strace {
    command: Command,
    /// Signals do not pass through the faster way of stopping.
    kills: bool,
}

impl Strace {
    /// Traces these calls.
    pub(crate) fn new(calls: &str) -> Self {
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-e", "signal=none", "-e"]);
        command.arg(format!("trace={calls}"));
        Self { command, kills: false }
    }

    /// Injects a fault into some calls, in the form of `strace -e inject=`.
    pub(crate) fn inject(mut self, fault: &str) -> Self {
        self.kills |= fault.contains("signal=");
        self.command.args(["-e", &format!("inject={fault}")]);
        self
    }

    /// Only calls on this file, or on others with this name.
    pub(crate) fn only(mut self, file: &Path) -> Self {
        self.command.arg("-P").arg(file);
        self
    }

    /// Runs the life; `word` is its own argument.
    pub(crate) fn run(self, folder: &Path, word: Option<&str>, when: &str) -> End {
        self.log(Path::new("/dev/null"), folder, word, when)
    }

    /// Runs the life and records all calls with their bytes.
    fn log(mut self, log: &Path, folder: &Path, word: Option<&str>, when: &str) -> End {
        if !self.kills {
            self.command.arg("--seccomp-bpf");
        }
        self.command.arg("-o").arg(log);
        self.command.arg(LIFE).arg(folder).args(word);
        let output = self.command.output();
        let output = output.unwrap_or_else(|error| panic!("strace is needed, scripts/setup installs it: {error}"));
        match (output.status.code(), output.status.signal()) {
            (Some(0), _) => End::Finished,
            (_, Some(9)) => End::Killed,
            // A machine that forbids tracing looks like this too.
            _ => panic!("{when}: {:?} {}", output.status, said(&output)),
        }
    }
}

/// All calls of a whole life with all their bytes, files named, everything in hexadecimal.
pub(crate) fn recorded(folder: &Path, log: &Path) -> String {
    let mut strace = Strace::new(&format!("openat,{CHANGES}"));
    strace.command.args(["-y", "-xx", "-s", "1000000"]);
    assert_eq!(strace.log(log, folder, None, "recording"), End::Finished);
    std::fs::read_to_string(log).unwrap()
}

/// How often a whole run makes each of the calls.
pub(crate) fn count(folder: &Path, word: Option<&str>, log: &Path) -> BTreeMap<String, u64> {
    let end = Strace::new(CHANGES).log(log, folder, word, "counting");
    assert_eq!(end, End::Finished);
    let mut count = BTreeMap::new();
    for line in String::from_utf8_lossy(&std::fs::read(log).unwrap()).lines() {
        let (call, _) = line.split_once('(').unwrap();
        let name = call.split_whitespace().last().unwrap();
        *count.entry(name.to_owned()).or_default() += 1;
    }
    count
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
