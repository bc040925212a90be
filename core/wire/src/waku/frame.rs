//! Length-delimited framing: an unsigned varint length, then one protobuf, read under a cap.
//!
//! A false length costs nothing: it is refused before memory is allocated. So are messages of very many tiny fields,
//! which would take a hundred times their size once decoded.

use prost::Message;
use prost::encoding::{DecodeContext, decode_key, skip_field};

/// Largest encoded WakuMessage on networks that set no other limit, bytes.
pub const MAX_MESSAGE: usize = 150 * 1024;
/// Longest filter request that is read, bytes: 100 topics of some 600 bytes.
pub const FILTER_REQUEST_CAP: usize = 64 * 1024;
/// Longest filter response, bytes.
pub const FILTER_RESPONSE_CAP: usize = 64 * 1024;
/// Longest lightpush response, v2 or v3, bytes.
pub const LIGHTPUSH_RESPONSE_CAP: usize = 64 * 1024;
/// Longest store request, bytes.
pub const STORE_REQUEST_CAP: usize = 64 * 1024;
/// Longest metadata request or response, bytes; deployed nodes read no more.
pub const METADATA_CAP: usize = 1024;
/// Longest peer exchange request or response, bytes: 60 records of 300.
pub const PEER_EXCHANGE_CAP: usize = 64 * 1024;
/// Most entries in a store page.
pub const STORE_PAGE_LIMIT: u64 = 100;
/// Most top-level fields in one message.
pub const MAX_FIELDS: usize = 1024;

/// Bytes of a frame around a WakuMessage: ids, topics, descriptions.
const AROUND: usize = 4 * 1024;

/// Cap for a lightpush request (v2 or v3), with messages of at most `max_message` bytes.
pub const fn lightpush_request_cap(max_message: usize) -> usize {
    max_message.saturating_add(AROUND)
}

/// Cap for one filter push, with messages of at most `max_message` bytes.
pub const fn push_cap(max_message: usize) -> usize {
    max_message.saturating_add(AROUND)
}

/// Cap for a store response of at most `limit` entries of at most `max_message` bytes: an honest page always fits.
pub const fn store_response_cap(limit: u64, max_message: usize) -> usize {
    let entries = if limit < STORE_PAGE_LIMIT { limit as usize } else { STORE_PAGE_LIMIT as usize };
    entries.saturating_mul(max_message.saturating_add(512)).saturating_add(AROUND)
}

/// Why bytes are not one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The length is not a varint of at most 64 bits.
    #[error("malformed length")]
    Length,
    /// The length is over the cap.
    #[error("frame of {len} bytes over the cap of {cap}")]
    TooLarge {
        /// Announced length, bytes.
        len: u64,
        /// Allowed length, bytes.
        cap: usize,
    },
    /// The bytes end before the frame does.
    #[error("truncated frame")]
    Truncated,
    /// Bytes follow the frame.
    #[error("bytes after the frame")]
    Trailing,
    /// The body is not a message of this type.
    #[error(transparent)]
    Body(#[from] DecodeError),
}

/// Why a body is not the expected message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not a protobuf of this type.
    #[error("malformed protobuf")]
    Malformed,
    /// More than [`MAX_FIELDS`] fields.
    #[error("too many fields")]
    TooManyFields,
}

/// Where the body of a frame lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// Bytes of the length itself, 1 to 10.
    pub header: usize,
    /// Bytes of the body, within the cap.
    pub body: usize,
}

/// Reads a frame's length from the bytes received so far; `None` if more bytes are needed.
///
/// A reader of a stream calls this after each byte or buffer, then reads [`FrameHeader::body`] bytes and passes them to
/// [`decode`].
pub fn frame_header(buf: &[u8], cap: usize) -> Result<Option<FrameHeader>, FrameError> {
    let mut len = 0u64;
    for (index, &byte) in buf.iter().take(10).enumerate() {
        let bits = u64::from(byte & 0x7f);
        if index == 9 && byte > 1 {
            return Err(FrameError::Length);
        }
        len |= bits << (7 * index);
        if byte & 0x80 == 0 {
            return match usize::try_from(len) {
                Ok(body) if body <= cap => Ok(Some(FrameHeader { header: index + 1, body })),
                _ => Err(FrameError::TooLarge { len, cap }),
            };
        }
    }
    Ok(None)
}

/// Encodes a message as one frame.
pub fn encode_framed<M: Message>(message: &M) -> Vec<u8> {
    message.encode_length_delimited_to_vec()
}

/// Decodes exactly one frame with a body of at most `cap` bytes.
pub fn decode_framed<M: Message + Default>(buf: &[u8], cap: usize) -> Result<M, FrameError> {
    let FrameHeader { header, body } = frame_header(buf, cap)?.ok_or(FrameError::Truncated)?;
    let rest = buf.get(header..).ok_or(FrameError::Truncated)?;
    let (body, after) = rest.split_at_checked(body).ok_or(FrameError::Truncated)?;
    if !after.is_empty() {
        return Err(FrameError::Trailing);
    }
    Ok(decode(body)?)
}

/// Decodes the body of a frame. The caller has capped its length.
pub fn decode<M: Message + Default>(body: &[u8]) -> Result<M, DecodeError> {
    count_fields(body)?;
    M::decode(body).map_err(|_| DecodeError::Malformed)
}

fn count_fields(mut body: &[u8]) -> Result<(), DecodeError> {
    let mut fields = 0;
    while !body.is_empty() {
        fields += 1;
        if fields > MAX_FIELDS {
            return Err(DecodeError::TooManyFields);
        }
        let (tag, wire_type) = decode_key(&mut body).map_err(|_| DecodeError::Malformed)?;
        skip_field(wire_type, tag, &mut body, DecodeContext::default()).map_err(|_| DecodeError::Malformed)?;
    }
    Ok(())
}
