//! JSON-RPC 2.0 objects, one on each line.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use sotto_messenger::{Code, Error};
use sotto_wire::name::is_command;

/// Longest answer, bytes.
pub(crate) const ANSWER_CAP: usize = 8 << 20;
/// Longest id, bytes of JSON.
const ID_CAP: usize = 1024;
/// Longest part of serde's message about a parameter, characters; the message may quote the parameter.
const WORDS_CAP: usize = 300;

/// An id exactly as in the request. It is returned unchanged, whatever number or string it holds.
#[derive(Debug, Clone)]
pub(crate) struct Id(Box<RawValue>);

impl Id {
    /// The id for a request without a readable id.
    fn null() -> Self {
        Self(RawValue::NULL.to_owned())
    }

    /// Whether the JSON is a string, a number or null.
    fn read(raw: &RawValue) -> Option<Self> {
        let text = raw.get();
        let plain = text == "null" || text.starts_with(|c: char| c == '"' || c == '-' || c.is_ascii_digit());
        (plain && text.len() <= ID_CAP).then(|| Self(raw.to_owned()))
    }
}

/// A request, or a notification if it has no id.
pub(crate) struct Request {
    pub(crate) id: Option<Id>,
    pub(crate) method: String,
    /// The params object.
    pub(crate) params: Box<RawValue>,
}

/// A line that is not a request.
#[derive(Debug)]
pub(crate) struct Malformed {
    /// The line's id, as far as one could be read.
    pub(crate) id: Id,
    pub(crate) fault: Fault,
}

/// The `error` of an answer.
pub(crate) enum Fault {
    /// The line is not JSON, or too long: -32700.
    Parse(&'static str),
    /// The line is JSON, but not a request: -32600.
    Request(&'static str),
    /// There is no such method: -32601.
    Method,
    /// Wrong params, with serde's message: -32602.
    Params(String),
    /// An error of the messenger: -32000.
    Messenger(Error),
    /// `invite.too_many`, with the list of open invites.
    TooMany(Error, Value),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Messenger(error)
    }
}

/// The fields of an object, in order, up to its end or up to the first byte that is not JSON.
struct Fields<'a, 'de>(&'a mut Vec<(Option<String>, &'de RawValue)>);

impl<'de> DeserializeSeed<'de> for Fields<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Fields<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((key, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            self.0.push((serde_json::from_str(key.get()).ok(), value));
        }
        Ok(())
    }
}

/// The fields of a line, and whether the whole line is one object.
fn fields(text: &str) -> (Vec<(Option<String>, &RawValue)>, bool) {
    let mut found = Vec::new();
    let mut from = serde_json::Deserializer::from_str(text);
    let whole = Fields(&mut found).deserialize(&mut from).is_ok() && from.end().is_ok();
    (found, whole)
}

fn id_among(fields: &[(Option<String>, &RawValue)]) -> Option<Id> {
    let is_id = |(key, _): &&(Option<String>, &RawValue)| key.as_deref() == Some("id");
    let (_, raw) = fields.iter().find(is_id)?;
    Id::read(raw)
}

/// Reads one line as a request.
pub(crate) fn parse(line: &[u8]) -> Result<Request, Malformed> {
    let text = String::from_utf8_lossy(line);
    let (fields, whole) = fields(&text);
    let read = match text {
        Cow::Owned(_) => Err(Fault::Parse("not UTF-8")),
        Cow::Borrowed(_) if whole => request(&fields),
        Cow::Borrowed(text) if serde_json::from_str::<&RawValue>(text).is_err() => Err(Fault::Parse("not JSON")),
        Cow::Borrowed(text) if text.trim_start().starts_with('[') => {
            Err(Fault::Request("no batches: one object a line"))
        }
        Cow::Borrowed(_) => Err(Fault::Request("not a JSON-RPC 2.0 request")),
    };
    read.map_err(|fault| Malformed { id: id_among(&fields).unwrap_or_else(Id::null), fault })
}

/// A request with these fields; each may stand once.
fn request(fields: &[(Option<String>, &RawValue)]) -> Result<Request, Fault> {
    const WRONG: Fault = Fault::Request("not a JSON-RPC 2.0 request");
    let (mut version, mut id, mut method, mut params) = (None, None, None, None);
    for (key, value) in fields {
        let place = match key.as_deref() {
            Some("jsonrpc") => &mut version,
            Some("id") => &mut id,
            Some("method") => &mut method,
            Some("params") => &mut params,
            _ => return Err(WRONG),
        };
        if place.replace(*value).is_some() {
            return Err(Fault::Request("a field is there twice"));
        }
    }
    let text = |raw: Option<&RawValue>| raw.and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
    let (version, method) = (text(version).ok_or(WRONG)?, text(method).ok_or(WRONG)?);
    if version != "2.0" {
        return Err(Fault::Request("\"jsonrpc\" must be \"2.0\""));
    }
    let id = match id {
        None => None,
        Some(raw) => {
            Some(Id::read(raw).ok_or(Fault::Request("an id is a string, a number or null, of at most 1,024 bytes"))?)
        }
    };
    let params = params.map_or_else(empty, |raw| Ok(raw.to_owned()))?;
    if !params.get().starts_with('{') {
        return Err(Fault::Request("params are named: an object"));
    }
    Ok(Request { id, method, params })
}

fn empty() -> Result<Box<RawValue>, Fault> {
    RawValue::from_string("{}".into()).map_err(|_| Fault::Messenger(Code::Internal.into()))
}

/// The answer to a line over the cap; `line` is its beginning.
pub(crate) fn too_long(head: &[u8]) -> Malformed {
    let text = String::from_utf8_lossy(head);
    let (mut fields, _) = fields(&text);
    fields.pop(); // the line may be cut here
    Malformed { id: id_among(&fields).unwrap_or_else(Id::null), fault: Fault::Parse("line over 8 MiB") }
}

pub(crate) fn too_many_waiting() -> Fault {
    Fault::Request("at most 16 calls of next_events, sync_once, file_export and send with files may wait")
}

pub(crate) fn success(id: &Id, result: &Value) -> String {
    let answer = answer(id, "result", result);
    if answer.len() > ANSWER_CAP {
        log::error!("an answer was over the cap");
        return failure(id, &Fault::Messenger(Code::Internal.into()));
    }
    answer
}

pub(crate) fn failure(id: &Id, fault: &Fault) -> String {
    let data = |error: &Error| {
        json!({
            "code": error.code().as_str(),
            "detail": error.detail(),
        })
    };
    let mut error = match fault {
        Fault::Parse(why) => json!({"code": -32700, "message": why}),
        Fault::Request(why) => json!({"code": -32600, "message": why}),
        Fault::Method => json!({"code": -32601, "message": "no such method"}),
        Fault::Params(why) => json!({
            "code": -32602,
            "message": why.chars().take(WORDS_CAP).collect::<String>(),
            "data": data(&Code::BadSetting.into()),
        }),
        Fault::Messenger(error) | Fault::TooMany(error, _) => json!({
            "code": -32000,
            "message": error.kind().as_str(),
            "data": data(error),
        }),
    };
    if let (Fault::TooMany(_, open), Some(data)) = (fault, error.get_mut("data").and_then(Value::as_object_mut)) {
        data.insert("open".into(), open.clone());
    }
    answer(id, "error", &error)
}

fn answer(Id(id): &Id, field: &str, value: &Value) -> String {
    let id = id.get();
    printable(format!(r#"{{"jsonrpc":"2.0","id":{id},"{field}":{value}}}"#))
}

/// JSON as it is written. Terminal control characters and direction marks, which stand in strings only, become escapes.
pub(crate) fn printable(json: String) -> String {
    let escaped = |c: char| is_command(c) || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}');
    if !json.contains(escaped) {
        return json;
    }
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        if escaped(c) {
            shown.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            shown.push(c);
        }
    }
    shown
}

sotto_messenger::closed_debug!(Request, Fault);

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_messenger::Code;

    fn code(line: &str) -> i64 {
        let wrong = parse(line.as_bytes()).unwrap_err();
        let answer: Value = serde_json::from_str(&failure(&wrong.id, &wrong.fault)).unwrap();
        answer["error"]["code"].as_i64().unwrap()
    }

    fn id(json: &str) -> Id {
        Id(RawValue::from_string(json.into()).unwrap())
    }

    /// The id of the answer to a line that is not a request.
    fn answered(line: &[u8]) -> String {
        parse(line).unwrap_err().id.0.get().to_owned()
    }

    #[test]
    fn an_answer_has_the_id_whatever_was_wrong() {
        let with = |id: &str, rest: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"send",{rest}}}"#);
        for id in [r#""x""#, "7", "-1", "1.50", "1e3", "null", r#""\ud83d""#, "123456789012345678901234567890"] {
            for wrong in [
                r#""params":[1]"#,
                r#""params":1"#,
                r#""extra":1"#,
                r#""params":{},"params":{}"#,
                r#""method":"again""#,
                r#""\ud83d":1"#,
                r#""params":{"text":"cut"#,
                "\"params\":{\"text\":\"\u{1}\"}",
                "oops",
            ] {
                assert_eq!(answered(with(id, wrong).as_bytes()), id, "{wrong}");
            }
            let mut bytes = with(id, r#""params":{"text":"?"}"#).into_bytes();
            let at = bytes.iter().rposition(|&byte| byte == b'?').unwrap();
            bytes[at] = 0xff;
            assert_eq!(answered(&bytes), id, "not UTF-8");
            // The line parses and has an id; the method refuses the params.
            for right in [
                r#""params":{"text":"\ud83d"}"#,
                r#""params":{"limit":123456789012345678901234567890}"#,
                r#""params":{"a":1,"a":2}"#,
            ] {
                let request = parse(with(id, right).as_bytes()).unwrap();
                assert_eq!(request.id.unwrap().0.get(), id, "{right}");
            }
            let deep = format!(r#""params":{{"text":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
            assert!(parse(with(id, &deep).as_bytes()).is_ok());
        }
        let late = br#"{"method":"send","params":[1],"jsonrpc":"2.0","id":9}"#;
        assert_eq!(answered(late), "9");
        for none in ["{}", "[]", r#"{"id":{}}"#, r#"{"id":[7]}"#, r#"{"id":true}"#] {
            assert_eq!(answered(none.as_bytes()), "null");
        }
        let long = format!(r#"{{"id":"{}"}}"#, "x".repeat(ID_CAP));
        assert_eq!(answered(long.as_bytes()), "null");
    }

    #[test]
    fn the_beginning_of_a_line_that_is_too_long_has_its_id() {
        let id = |head: &str| too_long(head.as_bytes()).id.0.get().to_owned();
        assert_eq!(id(r#"{"jsonrpc":"2.0","id":7,"method":"send","params":{"text":"xx"#), "7");
        assert_eq!(id(r#"{"jsonrpc":"2.0","id":7"#), "null", "perhaps 70");
        assert_eq!(id(r#"{"method":"send","params":{"text":"xx"#), "null");
    }

    #[test]
    fn an_answer_commands_no_terminal_and_says_the_same() {
        let text = "a\u{1b}[2J\u{9b}b\u{7f}\u{202e}\u{2028}\u{200f}ש 👋";
        let line = success(&id("1"), &json!({"text": text}));
        assert!(!line.contains(|c: char| c.is_control() || is_command(c)), "{line:?}");
        let back: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(back["result"]["text"], text);
    }

    #[test]
    fn no_answer_is_over_the_cap() {
        let line = success(&id("1"), &json!({"text": "x".repeat(ANSWER_CAP)}));
        assert!(line.len() < 1000);
        let line = failure(&id("1"), &Fault::Params("\u{1}".repeat(ANSWER_CAP)));
        assert!(line.len() < 4000);
    }

    #[test]
    fn requests_and_notifications_are_told_apart() {
        let request = parse(br#"{"jsonrpc":"2.0","id":null,"method":"account"}"#).unwrap();
        assert_eq!(request.id.unwrap().0.get(), "null");
        assert_eq!(request.params.get(), "{}");
        let notification = parse(br#"{"jsonrpc":"2.0","method":"typing","params":{"a":1}}"#).unwrap();
        assert!(notification.id.is_none());
    }

    #[test]
    fn each_malformed_line_has_its_code() {
        assert_eq!(code("{"), -32700);
        assert_eq!(code("\u{fffd}"), -32700);
        for line in [
            "[]",
            "1",
            "{}",
            r#"{"jsonrpc":"1.0","id":1,"method":"account"}"#,
            r#"{"jsonrpc":"2.0","id":{},"method":"account"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"account","params":[1]}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"account","extra":1}"#,
        ] {
            assert_eq!(code(line), -32600, "{line}");
        }
    }

    #[test]
    fn the_messengers_errors_carry_kind_code_and_detail() {
        let fault = Fault::from(Error::at(Code::PhraseWord, 3));
        let answer: Value = serde_json::from_str(&failure(&id("\"x\""), &fault)).unwrap();
        assert_eq!(answer["id"], "x");
        assert_eq!(answer["error"]["code"], -32000);
        assert_eq!(answer["error"]["message"], "invalid_input");
        assert_eq!(answer["error"]["data"]["code"], "phrase.word");
        assert!(answer["error"]["data"]["detail"].as_str().unwrap().contains("index 3"));
        assert_eq!(answer["error"]["data"].as_object().unwrap().len(), 2);
    }
}
