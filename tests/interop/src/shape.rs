//! The fields that a node can read in a request, decoded without our code. Every byte is either part of the one form of
//! all requests, or one of the values that may differ.

use std::collections::BTreeMap;

use crate::{CLUSTER, SHARD};

/// The classes of payloads, bytes.
const CLASSES: [usize; 4] = [512, 2048, 8192, 65_536];

/// The values that may differ between two publish requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// `h`, `c` or `b`.
    pub lane: char,
    /// Padded and sealed, of a class's length.
    pub payload: Vec<u8>,
    /// Unix nanoseconds, whole seconds.
    pub timestamp_ns: i64,
}

/// A body of protobuf fields as lines `path value`. What stands in `open` is read into, what stands in `masked` has `*`
/// for its value and is put aside; other values are there in hexadecimal digits.
struct Fields<'a> {
    open: &'a [&'a str],
    masked: &'a [&'a str],
    lines: Vec<String>,
    aside: BTreeMap<String, Vec<Vec<u8>>>,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A varint in its shortest form, and what is behind it.
fn varint(bytes: &[u8]) -> Result<(u64, &[u8]), String> {
    let end = bytes.iter().position(|byte| *byte < 0x80);
    let end = end.filter(|end| *end < 10).ok_or("a varint without end")?;
    if end > 0 && bytes[end] == 0 {
        return Err("a varint longer than needed".into());
    }
    let groups = bytes[..=end].iter().rev();
    let value = groups.fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f));
    Ok((value, &bytes[end + 1..]))
}

impl<'a> Fields<'a> {
    fn read(body: &[u8], open: &'a [&'a str], masked: &'a [&'a str]) -> Result<Self, String> {
        let (lines, aside) = (Vec::new(), BTreeMap::new());
        let mut fields = Self { open, masked, lines, aside };
        fields.walk("", body)?;
        Ok(fields)
    }

    fn walk(&mut self, above: &str, mut body: &[u8]) -> Result<(), String> {
        while !body.is_empty() {
            let (key, rest) = varint(body)?;
            let path = format!("{above}{}", key >> 3);
            let (length, rest) = match key & 7 {
                0 => (rest.len() - varint(rest)?.1.len(), rest),
                2 => {
                    let (length, rest) = varint(rest)?;
                    (length as usize, rest)
                }
                kind => return Err(format!("{path}: wire type {kind}")),
            };
            let value = rest.get(..length).ok_or("cut off")?;
            body = &rest[length..];
            if self.open.contains(&path.as_str()) {
                self.lines.push(path.clone());
                self.walk(&format!("{path}/"), value)?;
            } else if self.masked.contains(&path.as_str()) {
                self.lines.push(format!("{path} *"));
                self.aside.entry(path).or_default().push(value.to_vec());
            } else {
                self.lines.push(format!("{path} {}", hex(value)));
            }
        }
        Ok(())
    }

    /// Whether a request has the form: no field is missing, doubled, added or moved.
    fn form(&self, wanted: &[String]) -> Result<(), String> {
        let same = self.lines == wanted;
        same.then_some(()).ok_or_else(|| format!("{:?} instead of {wanted:?}", self.lines))
    }

    /// The value of a masked field that comes once.
    fn one(&self, path: &str) -> &[u8] {
        &self.aside[path][0]
    }

    fn text(&self, path: &str) -> Result<&str, String> {
        std::str::from_utf8(self.one(path)).map_err(|_| format!("{path}: no text"))
    }

    /// The id of a request: four random digits.
    fn id(&self) -> Result<(), String> {
        let id = self.text("1")?;
        let digit = |c: char| matches!(c, '0'..='9' | 'a'..='f');
        let good = id.len() == 4 && id.chars().all(digit);
        good.then_some(()).ok_or_else(|| format!("id {id}"))
    }
}

fn shard() -> String {
    hex(format!("/waku/2/rs/{CLUSTER}/{SHARD}").as_bytes())
}

/// A lightpush v3 request, without its length.
pub fn lightpush_v3(body: &[u8]) -> Result<Told, String> {
    let shard = format!("20 {}", shard());
    let form = ["1 *", &shard, "21", "21/1 *", "21/2 *", "21/10 *"];
    publication(body, &["21"], &form, "21/")
}

/// A lightpush v2 request, without its length.
pub fn lightpush_v2(body: &[u8]) -> Result<Told, String> {
    let shard = format!("2/1 {}", shard());
    let form = ["1 *", "2", &shard, "2/2", "2/2/1 *", "2/2/2 *", "2/2/10 *"];
    publication(body, &["2", "2/2"], &form, "2/2/")
}

fn publication(body: &[u8], open: &[&str], form: &[&str], message: &str) -> Result<Told, String> {
    let [payload, topic, time] = ["1", "2", "10"].map(|field| format!("{message}{field}"));
    let masked = ["1", payload.as_str(), topic.as_str(), time.as_str()];
    let fields = Fields::read(body, open, &masked)?;
    let form: Vec<String> = form.iter().map(|line| (*line).to_owned()).collect();
    fields.form(&form)?;
    fields.id()?;
    let bytes = fields.one(&payload);
    if !CLASSES.contains(&bytes.len()) || bytes[0] != 1 {
        return Err(format!("a payload of {} bytes", bytes.len()));
    }
    let (zigzag, _) = varint(fields.one(&time))?;
    let timestamp_ns = (zigzag >> 1) as i64;
    if zigzag & 1 == 1 || timestamp_ns % 1_000_000_000 != 0 {
        return Err(format!("no whole second: {timestamp_ns}"));
    }
    Ok(Told { lane: lane(fields.text(&topic)?)?, payload: bytes.to_vec(), timestamp_ns })
}

/// The lane of a content topic: `h` and `c` with a bucket, `b` with the topic of a blob.
fn lane(topic: &str) -> Result<char, String> {
    let wrong = || format!("topic {topic}");
    let name = topic.strip_prefix("/sotto/1/").ok_or_else(wrong)?;
    let name = name.strip_suffix("/proto").ok_or_else(wrong)?;
    let (lane, bucket) = name.split_once('-').ok_or_else(wrong)?;
    let digit = |c: char| matches!(c, '0'..='9' | 'a'..='f');
    let known = match lane.split_at_checked(1) {
        Some(("b", "")) => bucket.len() == 16,
        Some(("h" | "c", log2)) => {
            let bits: u32 = log2.parse().map_err(|_| wrong())?;
            let number = u32::from_str_radix(bucket, 16).map_err(|_| wrong())?;
            (log2.len(), bucket.len()) == (2, 4) && bits <= 16 && number < 1 << bits
        }
        _ => false,
    };
    let known = known && lane.bytes().skip(1).all(|b| b.is_ascii_digit());
    let lane = lane.chars().next().filter(|_| known && bucket.chars().all(digit));
    lane.ok_or_else(wrong)
}

/// The purpose of a filter request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Filter {
    /// A sign of life.
    Ping,
    /// The own lane h.
    Subscribe,
    /// The same no more.
    Unsubscribe,
}

/// A filter request of a messenger, without its length: nothing differs but its id and what it wants.
pub fn filter(body: &[u8]) -> Result<Filter, String> {
    let fields = Fields::read(body, &[], &["1"])?;
    fields.id()?;
    let kind = match fields.lines.get(1).map(String::as_str) {
        Some("2 00") => Filter::Ping,
        Some("2 01") => Filter::Subscribe,
        Some("2 02") => Filter::Unsubscribe,
        other => return Err(format!("type {other:?}")),
    };
    let mut form = vec!["1 *".to_owned(), fields.lines[1].clone()];
    if kind != Filter::Ping {
        form.push(format!("10 {}", shard()));
        form.push(format!("11 {}", hex(b"/sotto/1/h00-0000/proto")));
    }
    fields.form(&form)?;
    Ok(kind)
}
