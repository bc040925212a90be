//! One error for the whole API: a kind to branch on and a stable dotted code to look up.

use std::fmt;
use std::panic::Location;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What sort of failure; the shells map it to one case each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The caller's input cannot be used.
    InvalidInput,
    /// No such thing.
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
    /// Its name in `snake_case`, as JSON-RPC carries it.
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
    /// A number that helps (the word's index in a phrase), never user data.
    index: Option<u32>,
    /// Where a bug showed.
    place: Option<&'static Location<'static>>,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $kind:ident, $detail:literal;)*) => {
        /// Stable codes; the text in [`Code::as_str`] never changes once released.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[allow(missing_docs)] // each one's meaning is its `detail`
        pub enum Code { $($name),* }
        impl Code {
            /// All codes, for the glossary.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];
            /// The dotted code.
            pub fn as_str(self) -> &'static str { match self { $(Code::$name => $code),* } }
            /// The code of this dotted text.
            pub fn of(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.as_str() == text)
            }
            /// Its kind.
            pub fn kind(self) -> Kind { match self { $(Code::$name => Kind::$kind),* } }
            /// One sentence for developers.
            pub fn detail(self) -> &'static str { match self { $(Code::$name => $detail),* } }
        }
    };
}

codes! {
    PhraseWord = "phrase.word", InvalidInput, "a word of the phrase is not in the list; index counts from 1";
    PhraseLength = "phrase.length", InvalidInput, "a phrase has 12, 15, 18, 21 or 24 words";
    PhraseChecksum = "phrase.checksum", InvalidInput, "the words are known but do not belong together";
    AccountExists = "account.exists", State, "this folder already holds an account";
    AccountMissing = "account.missing", State, "create or restore an account first";
    DeviceReplaced = "device.replaced", State, "the phrase was restored on another device, which took over";
    BadName = "input.name", InvalidInput, "a name has 1 to 40 bytes, something visible and no control characters";
    TextEmpty = "input.empty", InvalidInput, "there is nothing to send";
    TextTooLong = "input.too_long", InvalidInput, "a text has at most 1 MiB, a request 400 bytes";
    BadId = "input.id", InvalidInput, "this is not an id of this API";
    BadSetting = "input.setting", InvalidInput, "this setting or value is not known";
    BadLimit = "input.limit", InvalidInput, "a page has 1 to 500 entries";
    ContactMissing = "contact.missing", NotFound, "no such contact";
    ContactSelf = "contact.self", InvalidInput, "this is your own invite";
    ContactState = "contact.state", State, "the contact is not in a state that allows this";
    ContactBlocked = "contact.blocked", State, "the contact is blocked";
    DevicesChanged = "contact.devices_changed", State, "the contact's devices changed; look at the safety number again";
    BadQr = "verify.qr", InvalidInput, "this is not the QR code of a safety number";
    QrOtherAccount = "verify.account", Crypto, "the QR code is not this contact's for this account: it is somebody \
         else's";
    QrOtherDevices = "verify.devices", Crypto, "the contact's phone has other keys than the device known here";
    QrOwnDevices = "verify.own_devices", Crypto, "the contact knows another device as this account's: somebody else \
         may have the phrase";
    ConversationMissing = "conversation.missing", NotFound, "no such conversation";
    MessageMissing = "message.missing", NotFound, "no such message";
    MessageNotDelivered = "message.not_delivered", Network, "given up after 30 days without a receipt";
    MessageRefused = "message.refused", Network, "every node that was there refused this message, again and again";
    InviteTruncated = "invite.truncated", InvalidInput, "the link is cut short or is no invite";
    InviteChecksum = "invite.checksum", InvalidInput, "the link was changed on its way";
    InviteExpired = "invite.expired", InvalidInput, "the invite's time is over";
    InviteNewer = "invite.newer", InvalidInput, "the invite comes from a newer version";
    InviteOtherNetwork = "invite.other_network", InvalidInput, "the invite belongs to another network";
    InviteUsed = "invite.used", State, "the invite was used up or closed";
    InviteUnreachable = "invite.unreachable", Network, "the inviter's cards are not in the store; it is tried again";
    InviteTooMany = "invite.too_many", State, "at most 8 invites are open, and 32 secrets listened for; `invites` \
         lists them";
    InviteMissing = "invite.missing", NotFound, "no such invite is open";
    ListOld = "list.old", Crypto, "a device list older than the one known was refused";
    ListExpired = "list.expired", Crypto, "a device list or bundle past its date was refused";
    SuiteNone = "suite.none", Crypto, "two devices speak no suite in common";
    SuiteLower = "suite.lower", Crypto, "a known device offers a lower suite than before and was refused";
    ClockSkewed = "clock.skewed", State, "this device's clock is off by more than 20 seconds";
    BucketBusy = "bucket.busy", Network, "the own bucket carries over 20 MB a day; a store is asked for it instead";
    NetworkAddress = "network.address", InvalidInput, "this is not a node address ending in /p2p/…";
    NetworkUnreachable = "network.unreachable", Network, "no node can be reached; what is to be sent waits";
    NetworkOther = "network.other", Network, "a node belongs to another network (cluster) than this install and is \
         not used";
    StorageInUse = "storage.in_use", Storage, "another process has this folder open";
    StorageWrongKey = "storage.wrong_key", Storage, "the key does not open this database";
    StorageCorrupt = "storage.corrupt", Storage, "the database is damaged or is no database; it was left untouched";
    StorageForeign = "storage.foreign", Storage, "this file is a database of something else; it was left untouched";
    StorageNewer = "storage.newer", Storage, "the database was written by a newer version";
    StorageRolledBack = "storage.rolled_back", Storage, "this is an old copy of the database";
    StorageCounter = "storage.counter", Storage, "the host's open counter is garbled: if this is no old copy of the \
         database, remove the counter and open again";
    StorageFull = "storage.full", Storage, "the disk is full; nothing was lost";
    StorageReadOnly = "storage.read_only", Storage, "the folder cannot be written";
    StorageIo = "storage.io", Storage, "reading or writing the database failed";
    Closed = "closed", State, "the core was closed";
    Deadline = "deadline", Network, "the time given was not enough; work goes on later";
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
    /// With a number that helps.
    pub fn at(code: Code, index: u32) -> Self {
        Self { code, index: Some(index), place: None }
    }
    /// The kind.
    pub fn kind(&self) -> Kind {
        self.code.kind()
    }
    /// The code.
    pub fn code(&self) -> Code {
        self.code
    }
    /// One sentence for developers, without user data. Of a bug, where in the source it showed.
    pub fn detail(&self) -> String {
        let detail = self.code.detail();
        match (self.index, self.place) {
            (Some(i), _) => format!("{detail} (index {i})"),
            (_, Some(place)) => format!("{detail} ({}:{})", place.file(), place.line()),
            _ => detail.to_owned(),
        }
    }

    /// A bug of ours, which goes into the log: `what` and `why` hold no data of a user.
    #[track_caller]
    fn bug(what: &str, why: impl fmt::Display) -> Self {
        let place = Location::caller();
        log::error!("a bug: {what}{why} at {}:{}", place.file(), place.line());
        Self { place: Some(place), ..Self::new(Code::Internal) }
    }
}

/// What cannot be missing or fail unless there is a bug.
pub(crate) trait OrBug<T> {
    /// The value, or an error that names the bug and its place.
    #[track_caller]
    fn or_bug(self, what: &str) -> Result<T, Error>;
}

impl<T> OrBug<T> for Option<T> {
    #[track_caller]
    fn or_bug(self, what: &str) -> Result<T, Error> {
        match self {
            Some(value) => Ok(value),
            None => Err(Error::bug(what, "")),
        }
    }
}

impl<T, E: fmt::Display> OrBug<T> for Result<T, E> {
    #[track_caller]
    fn or_bug(self, what: &str) -> Result<T, Error> {
        match self {
            Ok(value) => Ok(value),
            Err(error) => Err(Error::bug(what, format_args!(": {error}"))),
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
