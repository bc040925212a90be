//! Pages that fit into an answer.

use serde::Serialize;
use serde_json::{Value, json};
use sotto_messenger::{Code, Error};

use super::frame::{ANSWER_CAP, printable};
use super::methods::{Answer, show};

/// Most bytes of a page's rows; the rest of an answer is its head and an id. The longest row, a text of 1 MiB with
/// every byte escaped, has 6 MiB.
const ROWS_CAP: usize = ANSWER_CAP - (64 << 10);
/// Rows read in one step.
const STEP: u32 = 16;
/// Longest page, rows.
pub(crate) const LIMIT: u32 = 500;

/// A page under `name`, with `more` if further rows follow. `next` reads up to the given number of rows after a row, or
/// the first rows.
pub(crate) fn page<T: Serialize>(
    name: &str,
    limit: u32,
    mut next: impl FnMut(Option<&T>, u32) -> Result<Vec<T>, Error>,
) -> Answer {
    if !(1..=LIMIT).contains(&limit) {
        return Err(Error::from(Code::BadLimit).into());
    }
    let mut rows = Rows::default();
    let mut last: Option<T> = None;
    let mut left = limit;
    let more = loop {
        // One row beyond the page shows that there is more.
        let step = left.saturating_add(1).min(STEP);
        let found = next(last.as_ref(), step)?;
        let end = found.len() < usize::try_from(step).unwrap_or(usize::MAX);
        let mut cut = false;
        for row in found {
            if left == 0 || !rows.push(show(&row)?) {
                cut = true;
                break;
            }
            left -= 1;
            last = Some(row);
        }
        if cut || end {
            break cut;
        }
    };
    Ok(json!({name: rows.values, "more": more}))
}

/// Values that fit into one answer together.
#[derive(Default)]
pub(crate) struct Rows {
    pub(crate) values: Vec<Value>,
    bytes: usize,
}

impl Rows {
    /// Adds a value if it fits. The first one is always added.
    pub(crate) fn push(&mut self, value: Value) -> bool {
        let bytes = printable(value.to_string()).len().saturating_add(1);
        let fits = self.bytes.saturating_add(bytes) <= ROWS_CAP;
        if fits || self.values.is_empty() {
            self.bytes = self.bytes.saturating_add(bytes);
            self.values.push(value);
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::frame::Fault;

    /// Reads a page from rows of a given number and size.
    fn of(rows: u32, bytes: usize, limit: u32) -> (usize, bool, usize) {
        let text = "x".repeat(bytes);
        let next = |last: Option<&(u32, String)>, step: u32| {
            let first = last.map_or(0, |(number, _)| number + 1);
            Ok((first..rows.min(first + step)).map(|number| (number, text.clone())).collect())
        };
        let answer = page("rows", limit, next).unwrap();
        let found = answer["rows"].as_array().unwrap();
        assert!(found.iter().enumerate().all(|(index, row)| row[0] == index));
        (found.len(), answer["more"].as_bool().unwrap(), answer.to_string().len())
    }

    #[test]
    fn a_page_says_whether_there_is_more() {
        for rows in [0, 1, 15, 16, 17, 31, 32, 33, 100] {
            for limit in [1, 15, 16, 17, 32, 100, 500] {
                let (found, more, _) = of(rows, 1, limit);
                let fit = rows.min(limit);
                assert_eq!((found, more), (fit as usize, rows > fit), "{rows} of {limit}");
            }
        }
        assert_eq!(of(600, 1, 500), (500, true, of(600, 1, 500).2));
    }

    #[test]
    fn a_limit_that_makes_no_sense_is_refused() {
        for limit in [0, 501, u32::MAX] {
            let refused = page("rows", limit, |_: Option<&u8>, _| Ok(Vec::new()));
            assert!(matches!(refused, Err(Fault::Messenger(error)) if error.code() == Code::BadLimit), "{limit}");
        }
    }

    #[test]
    fn a_page_fits_an_answer() {
        for bytes in [1 << 20, 3 << 20, 6 << 20] {
            let (found, more, length) = of(20, bytes, 20);
            assert!(found >= 1 && more && length < ANSWER_CAP - 1024, "{found} of {bytes}");
        }
        assert!(!of(1, 6 << 20, 20).1);
    }
}
