//! Page cursors: opaque to callers, keyset positions inside.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::{Code, Error};

/// Whether it is pinned; newest activity, Unix milliseconds; conversation id.
pub(crate) type ConversationKey = (bool, i64, [u8; 32]);
/// Lamport time; author's clock, Unix seconds; message id; place among its files.
pub(crate) type FilePlace = (i64, i64, [u8; 32], u32);
/// Lamport time; author's clock, Unix seconds; message id.
pub(crate) type Place = (i64, i64, [u8; 32]);

pub(crate) fn of_conversation((pinned, last_ms, id): ConversationKey) -> String {
    URL_SAFE_NO_PAD.encode([[u8::from(pinned)].as_slice(), &last_ms.to_be_bytes(), &id].concat())
}

pub(crate) fn of_message((lamport, time_s, id): Place) -> String {
    URL_SAFE_NO_PAD.encode([lamport.to_be_bytes().as_slice(), &time_s.to_be_bytes(), &id].concat())
}

pub(crate) fn conversation(cursor: &str) -> Result<ConversationKey, Error> {
    let bytes = decode(cursor)?;
    let (pinned, rest) = bytes.split_first().ok_or(Code::BadId)?;
    let (last_ms, id) = rest.split_first_chunk::<8>().ok_or(Code::BadId)?;
    Ok((*pinned == 1, i64::from_be_bytes(*last_ms), id.try_into().map_err(|_| Code::BadId)?))
}

pub(crate) fn message(cursor: &str) -> Result<Place, Error> {
    place_of(&decode(cursor)?)
}

fn place_of(bytes: &[u8]) -> Result<Place, Error> {
    let (lamport, rest) = bytes.split_first_chunk::<8>().ok_or(Code::BadId)?;
    let (time_s, id) = rest.split_first_chunk::<8>().ok_or(Code::BadId)?;
    let id = id.try_into().map_err(|_| Code::BadId)?;
    Ok((i64::from_be_bytes(*lamport), i64::from_be_bytes(*time_s), id))
}

pub(crate) fn of_file((lamport, time_s, id, i): FilePlace) -> String {
    let bytes = [lamport.to_be_bytes().as_slice(), &time_s.to_be_bytes(), &id, &i.to_be_bytes()].concat();
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn file(cursor: &str) -> Result<FilePlace, Error> {
    let bytes = decode(cursor)?;
    let (place, i) = bytes.split_last_chunk::<4>().ok_or(Code::BadId)?;
    let (lamport, time_s, id) = place_of(place)?;
    Ok((lamport, time_s, id, u32::from_be_bytes(*i)))
}

pub(crate) fn of_member((seat, name, id): (u32, &str, &[u8; 16])) -> String {
    URL_SAFE_NO_PAD.encode([seat.to_be_bytes().as_slice(), id, name.as_bytes()].concat())
}

/// Seat; shown name; id of the member.
pub(crate) fn member(cursor: &str) -> Result<(u32, String, [u8; 16]), Error> {
    let bytes = decode(cursor)?;
    let (seat, rest) = bytes.split_first_chunk::<4>().ok_or(Code::BadId)?;
    let (id, name) = rest.split_first_chunk::<16>().ok_or(Code::BadId)?;
    let name = String::from_utf8(name.to_vec()).map_err(|_| Code::BadId)?;
    Ok((u32::from_be_bytes(*seat), name, *id))
}

fn decode(cursor: &str) -> Result<Vec<u8>, Error> {
    URL_SAFE_NO_PAD.decode(cursor).map_err(|_| Code::BadId.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_back_as_they_were_and_nothing_else_does() {
        let id = [7; 32];
        for pinned in [false, true] {
            assert_eq!(conversation(&of_conversation((pinned, -5, id))).unwrap(), (pinned, -5, id));
        }
        assert_eq!(message(&of_message((9, 1 << 40, id))).unwrap(), (9, 1 << 40, id));
        assert_eq!(file(&of_file((9, 1 << 40, id, 3))).unwrap(), (9, 1 << 40, id, 3));
        for bad in ["", "!", "AAAA", &of_conversation((true, 1, id))] {
            assert_eq!(message(bad).unwrap_err().code(), Code::BadId);
        }
        assert_eq!(conversation(&of_message((1, 2, id))).unwrap_err().code(), Code::BadId);
    }
}
