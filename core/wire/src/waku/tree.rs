//! Lists of nodes in DNS (EIP-1459): a signed root, and records found by their hash. The network crate checks the
//! signature; this file checks every other byte.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use data_encoding::BASE32_NOPAD;
use sha3::{Digest as _, Keccak256};

use super::MAX_RECORD;

/// Longest text of one record, bytes.
pub const MAX_TREE_TEXT: usize = 2048;
/// Most children of a branch.
pub const MAX_CHILDREN: usize = 64;
/// Longest domain of a tree, bytes, so that a hash fits in front of it.
const MAX_DOMAIN: usize = 190;

const LINK: &str = "enrtree://";
const ROOT: &str = "enrtree-root:v1 ";
const BRANCH: &str = "enrtree-branch:";
const RECORD: &str = "enr:";

/// Why a text is not part of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// The text is malformed or too long.
    #[error("malformed record of a node tree")]
    Form,
    /// The text has another hash than announced.
    #[error("a node tree's record has another hash")]
    Hash,
}

/// Location and signer of a tree: `enrtree://<key>@<domain>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TreeUrl {
    /// Compressed secp256k1 key of the signer; not checked to be a point.
    pub key: [u8; 33],
    /// Domain name, lower case.
    pub domain: String,
}

impl FromStr for TreeUrl {
    type Err = TreeError;

    fn from_str(text: &str) -> Result<Self, TreeError> {
        let rest = text.strip_prefix(LINK).ok_or(TreeError::Form)?;
        let (key, domain) = rest.split_once('@').ok_or(TreeError::Form)?;
        let key = BASE32_NOPAD.decode(key.as_bytes());
        let key = key.ok().and_then(|key| key.try_into().ok());
        Ok(Self { key: key.ok_or(TreeError::Form)?, domain: domain_name(domain).ok_or(TreeError::Form)? })
    }
}

impl fmt::Display for TreeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{LINK}{}@{}", BASE32_NOPAD.encode(&self.key), self.domain)
    }
}

/// A host name of at least two labels.
fn domain_name(text: &str) -> Option<String> {
    let label = |label: &str| {
        let letters = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        (1..=63).contains(&label.len()) && letters
    };
    let good = text.len() <= MAX_DOMAIN && text.contains('.') && text.split('.').all(label);
    good.then(|| text.to_ascii_lowercase())
}

/// The first 16 or more bytes of the keccak-256 of a record's text, as base32. It is also the DNS label of the record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TreeHash(String);

impl TreeHash {
    /// The 16-byte hash of a text.
    pub fn of(text: &str) -> Self {
        let hash = Keccak256::digest(text);
        let (start, _) = hash.split_at(16);
        Self(BASE32_NOPAD.encode(start))
    }

    /// The DNS label in front of the tree's domain.
    pub fn label(&self) -> &str {
        &self.0
    }

    fn matches(&self, text: &str) -> bool {
        let wanted = BASE32_NOPAD.decode(self.0.as_bytes());
        wanted.is_ok_and(|wanted| Keccak256::digest(text).starts_with(&wanted))
    }
}

impl FromStr for TreeHash {
    type Err = TreeError;

    fn from_str(text: &str) -> Result<Self, TreeError> {
        match BASE32_NOPAD.decode(text.as_bytes()) {
            Ok(bytes) if (16..=32).contains(&bytes.len()) => Ok(Self(text.to_owned())),
            _ => Err(TreeError::Form),
        }
    }
}

/// The root of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeRoot {
    /// Hash of the first record of nodes.
    pub records: TreeHash,
    /// Hash of the first record of links to other trees.
    pub links: TreeHash,
    /// Number of the version; rises with each change.
    pub seq: u64,
    /// The signed text; the signature is over its keccak-256.
    pub signed: String,
    /// r ‖ s of the signature, without the recovery byte.
    pub signature: [u8; 64],
}

impl FromStr for TreeRoot {
    type Err = TreeError;

    fn from_str(text: &str) -> Result<Self, TreeError> {
        if text.len() > MAX_TREE_TEXT {
            return Err(TreeError::Form);
        }
        let (signed, signature) = text.split_once(" sig=").ok_or(TreeError::Form)?;
        let mut fields = signed.strip_prefix(ROOT).ok_or(TreeError::Form)?.split(' ');
        let mut field = |name: &str| {
            let value = fields.next().and_then(|field| field.strip_prefix(name));
            value.ok_or(TreeError::Form)
        };
        let (records, links) = (field("e=")?.parse()?, field("l=")?.parse()?);
        let seq = field("seq=")?.parse().map_err(|_| TreeError::Form)?;
        let signature = base64(signature)?;
        let (signature, recovery) = signature.split_first_chunk().ok_or(TreeError::Form)?;
        if fields.next().is_some() || recovery.len() != 1 {
            return Err(TreeError::Form);
        }
        Ok(Self { records, links, seq, signed: signed.to_owned(), signature: *signature })
    }
}

/// A record below the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreeEntry {
    /// Hashes of further records.
    Branch(Vec<TreeHash>),
    /// A link to another tree.
    Link(TreeUrl),
    /// A node's record, RLP of at most [`MAX_RECORD`] bytes, not decoded here.
    Record(Vec<u8>),
}

impl TreeEntry {
    /// Reads the text found under `hash`, and checks that it has this hash.
    pub fn read(text: &str, hash: &TreeHash) -> Result<Self, TreeError> {
        if !hash.matches(text) {
            return Err(TreeError::Hash);
        }
        text.parse()
    }
}

impl FromStr for TreeEntry {
    type Err = TreeError;

    fn from_str(text: &str) -> Result<Self, TreeError> {
        if text.len() > MAX_TREE_TEXT {
            return Err(TreeError::Form);
        }
        if let Some(list) = text.strip_prefix(BRANCH) {
            let hashes = list.split(',').filter(|hash| !hash.is_empty());
            let hashes: Vec<TreeHash> = hashes.map(str::parse).collect::<Result<_, _>>()?;
            if hashes.len() > MAX_CHILDREN {
                return Err(TreeError::Form);
            }
            return Ok(Self::Branch(hashes));
        }
        if text.starts_with(LINK) {
            return text.parse().map(Self::Link);
        }
        record_bytes(text).map(Self::Record)
    }
}

impl fmt::Display for TreeEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Branch(hashes) => {
                let labels: Vec<&str> = hashes.iter().map(TreeHash::label).collect();
                write!(f, "{BRANCH}{}", labels.join(","))
            }
            Self::Link(url) => url.fmt(f),
            Self::Record(record) => write!(f, "{RECORD}{}", URL_SAFE_NO_PAD.encode(record)),
        }
    }
}

/// The RLP of a record given as text (`enr:…`), at most [`MAX_RECORD`] bytes, not decoded here.
pub fn record_bytes(text: &str) -> Result<Vec<u8>, TreeError> {
    let record = base64(text.strip_prefix(RECORD).ok_or(TreeError::Form)?)?;
    if record.len() <= MAX_RECORD { Ok(record) } else { Err(TreeError::Form) }
}

fn base64(text: &str) -> Result<Vec<u8>, TreeError> {
    if text.len() > MAX_TREE_TEXT {
        return Err(TreeError::Form);
    }
    let text = text.trim_end_matches('=');
    URL_SAFE_NO_PAD.decode(text).map_err(|_| TreeError::Form)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const PROD: &str =
        "enrtree://AMOJVZX4V6EXP7NTJPMAYJYST2QP6AJXYW76IU6VGJS7UVSNDYZG4@boot.prod.status.nodes.status.im";

    #[test]
    fn a_fleets_url() {
        let url: TreeUrl = PROD.parse().unwrap();
        assert_eq!(url.domain, "boot.prod.status.nodes.status.im");
        assert!(matches!(url.key.first(), Some(2 | 3)));
        assert_eq!(url.to_string(), PROD);
        for bad in ["", "enrtree://", "enrtree://AM@a.b", &PROD.replace(".status.im", "."), &PROD.replace('@', "@a b.")]
        {
            assert_eq!(bad.parse::<TreeUrl>(), Err(TreeError::Form), "{bad}");
        }
    }

    #[test]
    fn entries_are_what_their_hash_says() {
        let leaf = TreeEntry::Record(vec![0xc0]);
        let branch = TreeEntry::Branch(vec![TreeHash::of(&leaf.to_string()); 3]);
        for entry in [leaf, branch, TreeEntry::Link(PROD.parse().unwrap())] {
            let text = entry.to_string();
            let hash = TreeHash::of(&text);
            assert_eq!(hash.label().len(), 26);
            assert_eq!(TreeEntry::read(&text, &hash), Ok(entry));
            assert_eq!(TreeEntry::read(&format!("{text} "), &hash), Err(TreeError::Hash));
        }
        assert!(TreeHash::from_str("AAAA").is_err());
    }

    #[test]
    fn a_root_and_its_signed_part() {
        let (e, l) = (TreeHash::of("e"), TreeHash::of("l"));
        let signed = format!("enrtree-root:v1 e={} l={} seq=7", e.label(), l.label());
        let text = format!("{signed} sig={}", URL_SAFE_NO_PAD.encode([5; 65]));
        let root: TreeRoot = text.parse().unwrap();
        assert_eq!((root.records, root.links, root.seq), (e, l, 7));
        assert_eq!((root.signed, root.signature), (signed.clone(), [5; 64]));
        for sig in [&[5; 64][..], &[5; 66], &[]] {
            let text = format!("{signed} sig={}", URL_SAFE_NO_PAD.encode(sig));
            assert_eq!(text.parse::<TreeRoot>(), Err(TreeError::Form));
        }
        assert!(text.replace("seq=7", "seq=-7").parse::<TreeRoot>().is_err());
        assert!(text.replace("v1", "v2").parse::<TreeRoot>().is_err());
    }
}
