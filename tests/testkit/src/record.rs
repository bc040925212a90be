use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{IoSlice, Write};
use std::path::{Path, PathBuf};

/// The state outside of the phones, which no crash undoes: relayed messages, answers to people, the time. It is a file
/// of lines that a killed process and the next one share.
pub struct Record {
    path: PathBuf,
    file: File,
}

/// One payload that nodes relayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relayed {
    /// Content topic of the message.
    pub topic: String,
    /// The envelope.
    pub payload: Vec<u8>,
    /// Its timestamp, Unix nanoseconds.
    pub timestamp_ns: i64,
}

/// A record as read.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// Number of processes that began.
    pub runs: u64,
    /// The latest time in the record, Unix milliseconds; 0 at first.
    pub now_ms: i64,
    /// Relayed payloads, in order.
    pub relayed: Vec<Relayed>,
    /// Requested actions.
    pub tried: BTreeSet<String>,
    /// Acknowledged actions.
    pub done: BTreeSet<String>,
    /// Codes of errors that people or listeners got.
    pub errors: Vec<String>,
}

impl Record {
    /// Opens or makes `record` in a folder.
    pub fn open(folder: &Path) -> Self {
        let path = folder.join("record");
        let mut options = OpenOptions::new();
        let file = options.create(true).append(true).open(&path).unwrap();
        Self { path, file }
    }

    /// The whole record. A last line without its end is ignored.
    pub fn read(&self) -> Told {
        let text = std::fs::read_to_string(&self.path).unwrap();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let mut told = Told::default();
        for line in whole.lines() {
            told.line(line);
        }
        told
    }

    /// Adds a line. It uses `writev`, so that tests that count or break `write` calls affect only the databases.
    fn add(&mut self, line: String) {
        let line = line + "\n";
        let written = self.file.write_vectored(&[IoSlice::new(line.as_bytes())]);
        assert_eq!(written.unwrap(), line.len(), "a record line in one piece");
    }

    /// Records the start of a process.
    pub fn run(&mut self) {
        self.add("run".to_owned());
    }

    /// Records the time.
    pub fn clock(&mut self, now_ms: i64) {
        self.add(format!("clock {now_ms}"));
    }

    /// Records a requested action.
    pub fn tried(&mut self, what: &str) {
        self.add(format!("tried {what}"));
    }

    /// Records that it was acknowledged.
    pub fn done(&mut self, what: &str) {
        self.add(format!("done {what}"));
    }

    /// Records an error.
    pub fn error(&mut self, code: &str) {
        self.add(format!("error {code}"));
    }

    /// Records a relayed payload.
    pub fn relayed(&mut self, one: &Relayed) {
        let mut line = format!("relayed {} {} ", one.timestamp_ns, one.topic);
        for byte in &one.payload {
            let _ = write!(line, "{byte:02x}");
        }
        self.add(line);
    }
}

impl Told {
    fn line(&mut self, line: &str) {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb {
            "run" => self.runs += 1,
            "clock" => self.now_ms = rest.parse().unwrap(),
            "tried" => drop(self.tried.insert(rest.to_owned())),
            "done" => drop(self.done.insert(rest.to_owned())),
            "error" => self.errors.push(rest.to_owned()),
            "relayed" => {
                let mut parts = rest.splitn(3, ' ');
                let timestamp_ns = parts.next().unwrap().parse().unwrap();
                let topic = parts.next().unwrap().to_owned();
                let payload = bytes(parts.next().unwrap());
                self.relayed.push(Relayed { topic, payload, timestamp_ns });
            }
            other => panic!("record line {other}"),
        }
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}
