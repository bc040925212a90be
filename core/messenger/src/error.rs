//! One error for the whole API: a kind to branch on and a stable dotted code to look up.

use std::fmt;
use std::panic::Location;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Kind of a failure, to branch on. The bindings map each kind to one error case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The caller's input cannot be used.
    InvalidInput,
    /// The named contact, conversation, message or invite does not exist.
    NotFound,
    /// Not allowed in this state (no account, not a contact, closed).
    State,
    /// The network could not be reached.
    Network,
    /// The database failed.
    Storage,
    /// A cryptographic check failed.
    Crypto,
    /// A bug of ours.
    Internal,
}

impl Kind {
    /// The name in `snake_case`, as JSON-RPC carries it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid_input",
            Self::NotFound => "not_found",
            Self::State => "state",
            Self::Network => "network",
            Self::Storage => "storage",
            Self::Crypto => "crypto",
            Self::Internal => "internal",
        }
    }
}

/// A failure. Display says the code and a fixed sentence, never user data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Error {
    code: Code,
    /// Index of the wrong word in a phrase, from 1.
    index: Option<u32>,
    /// Source line of a bug.
    place: Option<&'static Location<'static>>,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $kind:ident, $detail:literal;)*) => {
        /// Stable codes. The text in [`Code::as_str`] never changes once released.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[allow(missing_docs)] // `detail` says the meaning of each
        pub enum Code { $($name),* }
        impl Code {
            /// All codes, in the order of `docs/errors.md`.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];
            /// The dotted text, for example `input.name`.
            pub fn as_str(self) -> &'static str { match self { $(Code::$name => $code),* } }
            /// The code with this dotted text, if there is one.
            pub fn of(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.as_str() == text)
            }
            /// The kind that this code belongs to.
            pub fn kind(self) -> Kind { match self { $(Code::$name => Kind::$kind),* } }
            /// One fixed sentence: what happened and, if something helps, what to do. It holds no user data.
            pub fn detail(self) -> &'static str { match self { $(Code::$name => $detail),* } }
        }
    };
}

codes! {
    PhraseWord = "phrase.word", InvalidInput, "a word of the phrase is not in the BIP39 list; the index counts from 1";
    PhraseLength = "phrase.length", InvalidInput, "a phrase has 12, 15, 18, 21 or 24 words";
    PhraseChecksum = "phrase.checksum", InvalidInput, "all words are known but do not fit together; compare them with \
         the paper";
    AccountExists = "account.exists", State, "this folder already holds an account";
    AccountMissing = "account.missing", State, "create or restore an account first";
    DeviceReplaced = "device.replaced", State, "the phrase was restored on another device; this one no longer sends \
         or receives";
    BadName = "input.name", InvalidInput, "a name has 1 to 40 bytes, something visible and no control characters";
    TextEmpty = "input.empty", InvalidInput, "there is nothing to send";
    TextTooLong = "input.too_long", InvalidInput, "a text has at most 1 MiB, a request 400 bytes";
    BadId = "input.id", InvalidInput, "this API did not return such an id";
    BadSetting = "input.setting", InvalidInput, "this setting or value is unknown";
    TooMany = "input.too_many", InvalidInput, "too many: a message has at most 6 of one person's reactions and 32 \
         mentions, 10 files, and goes to at most 5 conversations at once";
    BadEmoji = "input.emoji", InvalidInput, "a reaction is one emoji of at most 32 bytes";
    BadMention = "input.mention", InvalidInput, "a mention must lie in the text, on borders of characters, and overlap \
         no other";
    BadPreview = "input.preview", InvalidInput, "a preview's link must stand in the text; its title has at most 120 \
         bytes, its text 300";
    BadPoll = "input.poll", InvalidInput, "a poll has a question of up to 300 bytes and 2 to 10 choices of up to 100; \
         a vote names some of them";
    BadTimer = "input.timer", InvalidInput, "messages disappear after 5 seconds to 4 weeks; 0 keeps them";
    BadQuery = "input.query", InvalidInput, "a search has 1 to 16 words in at most 256 bytes";
    BadFile = "input.file", InvalidInput, "a preview has 1 to 8,142 bytes, a media type at most 100 bytes of ASCII";
    BadLimit = "input.limit", InvalidInput, "a page has 1 to 500 entries";
    ContactMissing = "contact.missing", NotFound, "no such contact";
    ContactSelf = "contact.self", InvalidInput, "this is your own invite";
    ContactState = "contact.state", State, "the contact's state does not allow this";
    ContactBlocked = "contact.blocked", State, "the contact is blocked; unblock it first";
    DevicesChanged = "contact.devices_changed", State, "the contact's devices changed; compare the safety number again";
    BadQr = "verify.qr", InvalidInput, "this is not the QR code of a safety number";
    QrOtherAccount = "verify.account", Crypto, "the QR code belongs to other accounts than these two";
    QrOtherDevices = "verify.devices", Crypto, "the contact's phone has other keys than the device known here; \
         compare before you send";
    QrOwnDevices = "verify.own_devices", Crypto, "the contact knows another device of this account; somebody else may \
         have the phrase";
    ConversationMissing = "conversation.missing", NotFound, "no such conversation";
    MessageMissing = "message.missing", NotFound, "no such message";
    MessageTooOld = "message.too_old", State, "the time for this has passed: a text can be edited for 24 hours, a poll \
         has an end";
    MessageNotYours = "message.not_yours", State, "only its author can do this, and only to a text";
    MessageExpires = "message.expires", State, "a message that disappears is not forwarded";
    MessageNotDelivered = "message.not_delivered", Network, "given up after 30 days without a receipt";
    MessageRefused = "message.refused", Network, "every reachable node refused this message several times";
    FileMissing = "file.missing", NotFound, "no such file";
    FileMetadata = "file.metadata", State, "what this picture or video says about place and time could not be \
         removed; send it as it is, or not at all";
    FileTooLarge = "file.too_large", InvalidInput, "a file has at most 100 MB";
    FileNoSpace = "file.no_space", Storage, "too little space is free for this file; free some";
    FileCorrupt = "file.corrupt", Crypto, "the file is not the one that its author named, or damaged on this disk";
    FileGone = "file.gone", NotFound, "nobody who has this file can be reached";
    FileUnreadable = "file.unreadable", InvalidInput, "the file cannot be read: it is missing, no plain file, or \
         changed while it was read";
    FileWaiting = "file.waiting", Network, "the file is not on this device; fetch it first";
    FileExists = "file.exists", InvalidInput, "there is a file of this name already; choose another name";
    SearchOff = "search.off", State, "search is switched off in the settings";
    InviteTruncated = "invite.truncated", InvalidInput, "the link is cut short or is no invite";
    InviteChecksum = "invite.checksum", InvalidInput, "the link was changed on its way; ask for it again";
    InviteExpired = "invite.expired", InvalidInput, "the invite has expired; ask for a new one";
    InviteNewer = "invite.newer", InvalidInput, "a newer version made this invite; update first";
    InviteOtherNetwork = "invite.other_network", InvalidInput, "the invite belongs to another network";
    InviteUsed = "invite.used", State, "the invite was used up or closed; ask for a new one";
    InviteUnreachable = "invite.unreachable", Network, "the inviter's keys are in no store yet; the search goes on";
    InviteTooMany = "invite.too_many", State, "8 invites are open or 32 secrets are in use; close one that `invites` \
         lists";
    InviteMissing = "invite.missing", NotFound, "no such invite is open";
    BadGroup = "input.group", InvalidInput, "a group's name has 1 to 60 bytes, its description at most 500";
    GroupNotInvited = "group.not_invited", State, "nobody invites you to this group now";
    GroupJoining = "group.joining", State, "other members have not confirmed this group yet; reading works, writing \
         follows";
    GroupRekeying = "group.rekeying", State, "a new key of this group is on its way; messages wait for it";
    GroupNotAllowed = "group.not_allowed", State, "your role in this group does not allow this";
    GroupRemoved = "group.removed", State, "you are no member of this group";
    GroupClosed = "group.closed", State, "this group was closed";
    GroupFull = "group.full", State, "the group has no room for more members, or this device for more groups";
    ListOld = "list.old", Crypto, "a device list older than the known one was refused";
    ListExpired = "list.expired", Crypto, "a device list or bundle past its date was refused";
    SuiteNone = "suite.none", Crypto, "this device and the contact's share no cipher suite; one side needs an update";
    SuiteLower = "suite.lower", Crypto, "a known device offers a lower cipher suite than before and was refused";
    ClockSkewed = "clock.skewed", State, "this device's clock is off by more than 20 seconds; set it";
    BucketBusy = "bucket.busy", Network, "the own bucket carries over 20 MB a day; messages may come late";
    NetworkAddress = "network.address", InvalidInput, "a node address is a multiaddr that ends in /p2p/…";
    NetworkUnreachable = "network.unreachable", Network, "no node can be reached; messages wait";
    NetworkOther = "network.other", Network, "a node belongs to another network (cluster) and is not used; check the \
         configured nodes";
    StorageInUse = "storage.in_use", Storage, "another process has this folder open; close it first";
    StorageWrongKey = "storage.wrong_key", Storage, "the key does not open this database";
    StorageCorrupt = "storage.corrupt", Storage, "the database is damaged or is no database; put back a backup of the \
         folder";
    StorageForeign = "storage.foreign", Storage, "this file is another program's database; choose another folder";
    StorageNewer = "storage.newer", Storage, "a newer version wrote this database; update first";
    StorageRolledBack = "storage.rolled_back", Storage, "this is an old copy of the database";
    StorageCounter = "storage.counter", Storage, "the host's open counter is damaged; if this is no old copy of the \
         database, remove the counter";
    StorageFull = "storage.full", Storage, "the disk is full and nothing was changed; free some space";
    StorageReadOnly = "storage.read_only", Storage, "the folder cannot be written; check its permissions";
    StorageIo = "storage.io", Storage, "reading or writing the database failed; try again";
    Closed = "closed", State, "the core was closed; open it again";
    Deadline = "deadline", Network, "the time limit passed; the work goes on";
    Internal = "internal", Internal, "a bug of ours; please report it";
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::of(&text).ok_or_else(|| D::Error::custom("no such code"))
    }
}

impl Error {
    /// An error with this code.
    pub fn new(code: Code) -> Self {
        Self { code, index: None, place: None }
    }
    /// An error about one word of a phrase; `index` counts from 1.
    pub fn at(code: Code, index: u32) -> Self {
        Self { code, index: Some(index), place: None }
    }
    /// The kind, to branch on.
    pub fn kind(&self) -> Kind {
        self.code.kind()
    }
    /// The stable code, to look up in `docs/errors.md`.
    pub fn code(&self) -> Code {
        self.code
    }
    /// The code's sentence, with the index of a word or the source line of a bug. It holds no user data.
    pub fn detail(&self) -> String {
        let detail = self.code.detail();
        match (self.index, self.place) {
            (Some(i), _) => format!("{detail} (index {i})"),
            (_, Some(place)) => format!("{detail} ({}:{})", place.file(), place.line()),
            _ => detail.to_owned(),
        }
    }

    /// Logs a bug of ours. `what` and `why` must hold no user data.
    #[track_caller]
    fn bug(what: &str, why: impl fmt::Display) -> Self {
        let place = Location::caller();
        log::error!("a bug: {what}: {why} at {}:{}", place.file(), place.line());
        Self { place: Some(place), ..Self::new(Code::Internal) }
    }
}

/// For values that only a bug can make missing or failed.
pub(crate) trait OrBug<T> {
    /// The value, or `internal` with the caller's source line.
    #[track_caller]
    fn or_bug(self, what: &str) -> Result<T, Error>;
}

impl<T> OrBug<T> for Option<T> {
    #[track_caller]
    fn or_bug(self, what: &str) -> Result<T, Error> {
        self.ok_or("missing").or_bug(what)
    }
}

impl<T, E: fmt::Display> OrBug<T> for Result<T, E> {
    #[track_caller]
    fn or_bug(self, what: &str) -> Result<T, Error> {
        match self {
            Ok(value) => Ok(value),
            Err(error) => Err(Error::bug(what, error)),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail())
    }
}

impl std::error::Error for Error {}

impl From<Code> for Error {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl From<sotto_db::Error> for Error {
    fn from(error: sotto_db::Error) -> Self {
        use sotto_db::Error as Db;
        Self::new(match error {
            Db::InUse => Code::StorageInUse,
            Db::WrongKey => Code::StorageWrongKey,
            Db::Corrupt => Code::StorageCorrupt,
            Db::Foreign => Code::StorageForeign,
            Db::Newer => Code::StorageNewer,
            Db::Full => Code::StorageFull,
            Db::ReadOnly => Code::StorageReadOnly,
            Db::Io => Code::StorageIo,
            Db::Internal => Code::Internal,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bug_says_where_it_showed() {
        let error = None::<u8>.or_bug("a number").unwrap_err();
        assert_eq!((error.code(), error.kind()), (Code::Internal, Kind::Internal));
        let here = format!("a bug of ours; please report it (core/messenger/src/error.rs:{})", line!() - 2);
        assert_eq!(error.detail(), here);
    }
}
