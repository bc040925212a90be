//! Content topics: lanes, buckets and files; and the dated table of the number of buckets.
//!
//! A bucketed topic is `/sotto/1/<lane><log2 N, 2 digits>-<bucket, 4 hex>/proto`, a file's is
//! `/sotto/1/b-<16 hex>/proto`.

use std::fmt;
use std::str::FromStr;

/// A lane with buckets. Blobs have topics of their own: [`ContentTopic::Blob`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// `h`: 1:1 and first contact, always subscribed.
    Home,
    /// `g`: groups.
    Group,
    /// `c`: cards, fetched by store only.
    Card,
    /// `p`: public chats.
    Public,
}

/// A content topic of Sotto. `Display` writes it; `FromStr` reads only that form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContentTopic {
    /// A lane's bucket.
    Bucket {
        /// Purpose of the bucket.
        lane: Lane,
        /// log2 of the number of buckets, 0 to [`MAX_LOG2_N`].
        log2_n: u8,
        /// Number of the bucket, below 2^log2_n.
        bucket: u16,
    },
    /// The topic of one file, or of its preview.
    Blob([u8; 8]),
}

/// log2 of the most buckets that a lane can have.
pub const MAX_LOG2_N: u8 = 16;

/// How long before and after a change of the number of buckets receivers subscribe to both topics, seconds.
pub const OVERLAP_S: u64 = 3 * 86_400;

/// The text is not a content topic of Sotto.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a content topic of this protocol")]
pub struct TopicError;

/// Why a bucket table is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// The table has no row.
    #[error("empty table")]
    Empty,
    /// More than 2^16 buckets.
    #[error("too many buckets")]
    TooMany,
    /// A row does not double the one before.
    #[error("the number of buckets must double")]
    NotDoubling,
    /// Two changes are less than twice [`OVERLAP_S`] apart.
    #[error("changes too close together")]
    TooClose,
}

impl Lane {
    const ALL: [Self; 4] = [Self::Home, Self::Group, Self::Card, Self::Public];

    /// The letter in the topic.
    pub const fn letter(self) -> char {
        match self {
            Self::Home => 'h',
            Self::Group => 'g',
            Self::Card => 'c',
            Self::Public => 'p',
        }
    }
}

/// The bucket of a value: its top `log2_n` bits. A larger `log2_n` counts as [`MAX_LOG2_N`].
pub fn bucket_of(value: &[u8; 8], log2_n: u8) -> u16 {
    let top = u16::from_be_bytes([value[0], value[1]]);
    let shift = MAX_LOG2_N.saturating_sub(log2_n);
    top.checked_shr(u32::from(shift)).unwrap_or(0)
}

/// The topic of the bucket that `value` falls into.
pub fn content_topic(lane: Lane, log2_n: u8, value: &[u8; 8]) -> ContentTopic {
    let log2_n = log2_n.min(MAX_LOG2_N);
    ContentTopic::Bucket { lane, log2_n, bucket: bucket_of(value, log2_n) }
}

impl fmt::Display for ContentTopic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bucket { lane, log2_n, bucket } => {
                write!(f, "/sotto/1/{}{log2_n:02}-{bucket:04x}/proto", lane.letter())
            }
            Self::Blob(id) => write!(f, "/sotto/1/b-{:016x}/proto", u64::from_be_bytes(*id)),
        }
    }
}

impl FromStr for ContentTopic {
    type Err = TopicError;

    fn from_str(topic: &str) -> Result<Self, TopicError> {
        let name = topic.strip_prefix("/sotto/1/").and_then(|rest| rest.strip_suffix("/proto")).ok_or(TopicError)?;
        let (head, id) = name.split_once('-').ok_or(TopicError)?;
        if !id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(TopicError);
        }
        if head == "b" && id.len() == 16 {
            let id = u64::from_str_radix(id, 16).map_err(|_| TopicError)?;
            return Ok(Self::Blob(id.to_be_bytes()));
        }
        let with = |lane: &Lane| Some((*lane, head.strip_prefix(lane.letter())?));
        let (lane, digits) = Lane::ALL.iter().find_map(with).ok_or(TopicError)?;
        if digits.len() != 2 || !digits.bytes().all(|b| b.is_ascii_digit()) || id.len() != 4 {
            return Err(TopicError);
        }
        let log2_n: u8 = digits.parse().map_err(|_| TopicError)?;
        let bucket = u16::from_str_radix(id, 16).map_err(|_| TopicError)?;
        if log2_n > MAX_LOG2_N || u32::from(bucket) >> log2_n != 0 {
            return Err(TopicError);
        }
        Ok(Self::Bucket { lane, log2_n, bucket })
    }
}

/// The number of buckets of a lane, by date. The preset sets it; the number only doubles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketTable {
    first: u8,
    /// Unix seconds at which the number doubles, ascending.
    doublings: Vec<u64>,
}

impl BucketTable {
    /// A table of (from, Unix seconds; log2 N). The first row holds from the beginning of time.
    pub fn new(rows: &[(u64, u8)]) -> Result<Self, TableError> {
        let (&(_, first), later) = rows.split_first().ok_or(TableError::Empty)?;
        let mut before: Option<u64> = None;
        for (step, &(from_s, log2_n)) in (1u8..).zip(later) {
            if first.checked_add(step) != Some(log2_n) {
                return Err(TableError::NotDoubling);
            }
            if before.is_some_and(|before| from_s < before.saturating_add(2 * OVERLAP_S)) {
                return Err(TableError::TooClose);
            }
            before = Some(from_s);
        }
        if rows.iter().any(|&(_, log2_n)| log2_n > MAX_LOG2_N) {
            return Err(TableError::TooMany);
        }
        Ok(Self { first, doublings: later.iter().map(|&(from_s, _)| from_s).collect() })
    }

    /// log2 N for senders at `now_s`, Unix seconds.
    pub fn log2_n(&self, now_s: u64) -> u8 {
        let doublings = self.doublings.iter().filter(|&&date| date <= now_s).count();
        self.first.saturating_add(u8::try_from(doublings).unwrap_or(u8::MAX))
    }

    /// log2 N of the topics to subscribe to at `now_s`: the sender's and, around a change, the other one.
    pub fn heard(&self, now_s: u64) -> (u8, Option<u8>) {
        let current = self.log2_n(now_s);
        let near = |&&date: &&u64| now_s.abs_diff(date) < OVERLAP_S;
        let other = self.doublings.iter().find(near);
        let other =
            other.map(|&date| if date <= now_s { current.saturating_sub(1) } else { current.saturating_add(1) });
        (current, other)
    }
}
