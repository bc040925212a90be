//! JSON-RPC 2.0 objects, one a line.

use serde::Deserialize;
use serde_json::{Value, json};
use sotto_messenger::Error;

/// A request or, without id, a notification.
pub(crate) struct Request {
    pub(crate) id: Option<Value>,
    pub(crate) method: String,
    /// An object.
    pub(crate) params: Value,
}

/// What an answer's `error` says.
pub(crate) enum Fault {
    /// The line is no JSON, or too long: -32700.
    Parse(&'static str),
    /// JSON, but no request: -32600.
    Request(&'static str),
    /// -32601.
    Method,
    /// -32602, with serde's words about the parameter.
    Params(String),
    /// The messenger's own: -32000.
    Messenger(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Messenger(error)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    jsonrpc: String,
    #[serde(default, deserialize_with = "present")]
    id: Option<Value>,
    method: String,
    #[serde(default)]
    params: Option<Value>,
}

/// Tells `"id": null` from no id.
fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

/// Reads one line.
pub(crate) fn parse(line: &[u8]) -> Result<Request, Fault> {
    let value: Value = serde_json::from_slice(line).map_err(|_| Fault::Parse("not JSON"))?;
    if value.is_array() {
        return Err(Fault::Request("no batches: one object a line"));
    }
    let raw: Raw =
        serde_json::from_value(value).map_err(|_| Fault::Request("not a JSON-RPC 2.0 request"))?;
    if raw.jsonrpc != "2.0" {
        return Err(Fault::Request("\"jsonrpc\" must be \"2.0\""));
    }
    if raw
        .id
        .as_ref()
        .is_some_and(|id| id.is_array() || id.is_object() || id.is_boolean())
    {
        return Err(Fault::Request("an id is a string, a number or null"));
    }
    let params = match raw.params {
        None => json!({}),
        Some(params) if params.is_object() => params,
        Some(_) => return Err(Fault::Request("params are named: an object")),
    };
    Ok(Request {
        id: raw.id,
        method: raw.method,
        params,
    })
}

pub(crate) fn too_long() -> Fault {
    Fault::Parse("line over 8 MiB")
}

pub(crate) fn too_many_waiting() -> Fault {
    Fault::Request("at most 16 calls of next_events and sync_once may wait")
}

pub(crate) fn success(id: &Value, result: Value) -> String {
    json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string()
}

pub(crate) fn failure(id: &Value, fault: &Fault) -> String {
    let error = match fault {
        Fault::Parse(why) => json!({"code": -32700, "message": why}),
        Fault::Request(why) => json!({"code": -32600, "message": why}),
        Fault::Method => json!({"code": -32601, "message": "no such method"}),
        Fault::Params(why) => json!({"code": -32602, "message": why}),
        Fault::Messenger(error) => json!({
            "code": -32000,
            "message": error.kind().as_str(),
            "data": {
                "code": error.code().as_str(),
                "detail": error.detail(),
                "retry_after_ms": error.retry_after_ms(),
            },
        }),
    };
    json!({"jsonrpc": "2.0", "id": id, "error": error}).to_string()
}

sotto_messenger::closed_debug!(Request, Fault);

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_messenger::Code;

    fn code(line: &str) -> i64 {
        let fault = parse(line.as_bytes()).unwrap_err();
        let answer: Value = serde_json::from_str(&failure(&Value::Null, &fault)).unwrap();
        answer["error"]["code"].as_i64().unwrap()
    }

    #[test]
    fn requests_and_notifications_are_told_apart() {
        let request = parse(br#"{"jsonrpc":"2.0","id":null,"method":"account"}"#).unwrap();
        assert_eq!(request.id, Some(Value::Null));
        assert_eq!(request.params, json!({}));
        let notification =
            parse(br#"{"jsonrpc":"2.0","method":"typing","params":{"a":1}}"#).unwrap();
        assert_eq!(notification.id, None);
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
    fn the_messengers_errors_carry_kind_code_detail_and_retry() {
        let fault = Fault::from(Error::at(Code::PhraseWord, 3).retry_after(500));
        let answer: Value = serde_json::from_str(&failure(&json!("x"), &fault)).unwrap();
        assert_eq!(answer["id"], "x");
        assert_eq!(answer["error"]["code"], -32000);
        assert_eq!(answer["error"]["message"], "invalid_input");
        assert_eq!(answer["error"]["data"]["code"], "phrase.word");
        assert!(
            answer["error"]["data"]["detail"]
                .as_str()
                .unwrap()
                .contains("index 3")
        );
        assert_eq!(answer["error"]["data"]["retry_after_ms"], 500);
    }
}
