use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{IoSlice, Write};
use std::path::{Path, PathBuf};

/// What lies outside of the phones and no crash undoes: what nodes relayed, what people were told, what time it is.
/// A file of lines, so that a process that was killed and the next one share it.
pub struct Record {
    path: PathBuf,
    file: File,
}

/// One payload that nodes relayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relayed {
    /// Content topic.
    pub topic: String,
    /// Envelope.
    pub payload: Vec<u8>,
    /// Its timestamp, Unix nanoseconds.
    pub timestamp_ns: i64,
}

/// A record as read.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// Processes that began.
    pub runs: u64,
    /// The latest time anybody saw, Unix milliseconds; 0 at first.
    pub now_ms: i64,
    /// Relayed payloads, in order.
    pub relayed: Vec<Relayed>,
    /// What was asked for.
    pub tried: BTreeSet<String>,
    /// What was acknowledged.
    pub done: BTreeSet<String>,
    /// Codes of errors that people or listeners were told.
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

    /// Everything so far. A last line without its end is ignored.
    pub fn read(&self) -> Told {
        let text = std::fs::read_to_string(&self.path).unwrap();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let mut told = Told::default();
        for line in whole.lines() {
            told.line(line);
        }
        told
    }

    /// Adds a line. By `writev`, so that whoever counts or breaks `write` calls meets the databases only.
    fn add(&mut self, line: String) {
        let line = line + "\n";
        let written = self.file.write_vectored(&[IoSlice::new(line.as_bytes())]);
        assert_eq!(written.unwrap(), line.len(), "a record line in one piece");
    }

    /// A process begins.
    pub fn run(&mut self) {
        self.add("run".to_owned());
    }

    /// Time goes on to this moment.
    pub fn clock(&mut self, now_ms: i64) {
        self.add(format!("clock {now_ms}"));
    }

    /// Somebody asks for something.
    pub fn tried(&mut self, what: &str) {
        self.add(format!("tried {what}"));
    }

    /// It was acknowledged.
    pub fn done(&mut self, what: &str) {
        self.add(format!("done {what}"));
    }

    /// An error was told.
    pub fn error(&mut self, code: &str) {
        self.add(format!("error {code}"));
    }

    /// Nodes took a payload.
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
