//! What goes into the engine and what comes out. No await, no lock, no clock.

use zeroize::Zeroizing;

use crate::error::Error;
use crate::event::Event;
use crate::records::{ContactId, ConversationId, Invite, InviteId, MessageId, Settings};

/// A caller that waits; the runtime maps it to a channel.
pub type Ticket = u64;

/// Everything that moves the engine.
#[derive(Debug)]
pub enum Input {
    /// A call of the API, answered by one [`Effect::Reply`].
    Command(Ticket, Command),
    /// Something the network said.
    Net(sotto_net::Event),
    /// The deadline of the last [`Effect::WakeAt`] came.
    Tick,
}

/// Calls that change something. Reads go to the query-only connection and never come here.
#[derive(Clone, PartialEq, Eq)]
pub enum Command {
    /// Make an account and its device. Answer: `Phrase`.
    AccountCreate {
        /** ≤ 40 B. */
        name: String,
    },
    /// Restore an account from its phrase: takes over from other installs. Answer: `Done`.
    AccountRestore {
        /** 12 to 24 words. */
        phrase: Zeroizing<String>,
    },
    /// Change the own name. Answer: `Done`.
    ProfileSet {
        /** ≤ 40 B. */
        name: String,
    },
    /// Open an invite. Answer: `Invite`.
    InviteCreate,
    /// Close an invite before its time. Answer: `Done`.
    InviteClose {
        /** Which. */
        invite: InviteId,
    },
    /// Ask the inviter to become a contact. Answer: `Contact`.
    ContactAdd {
        /** The link. */
        link: String,
        /** ≤ 400 B. */
        text: Option<String>,
    },
    /// Answer or manage a contact. Answer: `Done`.
    ContactAnswer {
        /** Whom. */
        contact: ContactId,
        /** How. */
        action: ContactAction,
    },
    /// The safety number was compared while these devices were shown (`None`: it no longer holds). Answer: `Done`.
    ContactVerify {
        /** Whom. */
        contact: ContactId,
        /** Hash of the devices. */
        devices: Option<[u8; 32]>,
    },
    /// The QR code that the contact's phone shows was scanned. Answer: `Done`.
    ContactScan {
        /** Whom. */
        contact: ContactId,
        /** What it holds. */
        qr: Vec<u8>,
    },
    /// The person saw that a contact's devices changed to these. Answer: `Done`.
    DevicesSeen {
        /** Whose. */
        contact: ContactId,
        /** Hash of the devices. */
        devices: [u8; 32],
    },
    /// Send a text. Answer: `Message`, on disk and in the outbox.
    Send {
        /** Where. */
        conversation: ConversationId,
        /** ≤ 1 MiB. */
        text: String,
    },
    /// Answer an incoming message, once. Answer: `Message`, on disk and in the outbox.
    Answer {
        /** The number of the incoming message. */
        arrival: i64,
        /** ≤ 1 MiB. */
        text: String,
    },
    /// Send a failed message again. Answer: `Done`.
    Retry {
        /** Which. */
        message: MessageId,
    },
    /// Everything up to this message is marked read. Answer: `Done`.
    MarkRead {
        /** Where. */
        conversation: ConversationId,
        /** Up to. */
        message: MessageId,
    },
    /// Keep unsent text. Answer: `Done`.
    DraftSet {
        /** Where. */
        conversation: ConversationId,
        /** Empty clears. */
        text: String,
    },
    /// The person is writing. Answer: `Done`.
    Typing {
        /** Where. */
        conversation: ConversationId,
    },
    /// Change settings. Answer: `Done`.
    SettingsSet {
        /** A patch. */
        patch: Settings,
    },
    /// A conversation is on screen, or none. Answer: `Done`.
    Foreground {
        /** On screen. */
        on: bool,
    },
    /// The host's network changed. Answer: `Done`.
    NetworkChanged {
        /** What it is now. */
        network: sotto_net::Network,
    },
    /// The device began or ceased to charge. Answer: `Done`.
    PowerChanged {
        /** It charges. */
        charging: bool,
    },
    /// Catch up and empty the outbox; answered when both are done. Answer: `Synced`. The runtime keeps the deadline.
    SyncOnce,
    /// Truncate the log, stop the net. Answer: `Done`, last.
    Close,
}

/// What to do about a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactAction {
    /// Accept a request.
    Accept,
    /// Decline it; nothing is sent.
    Decline,
    /// Drop the session and refuse handshakes.
    Block,
    /// Take back the block: what was before holds again, a contact or a request.
    Unblock,
}

/// What a command answers.
#[derive(Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is done and on disk.
    Done,
    /// The recovery phrase of a new account.
    Phrase(Zeroizing<String>),
    /// A new invite.
    Invite(Invite),
    /// The contact a call made.
    Contact(ContactId),
    /// The message a call made.
    Message(MessageId),
    /// New messages since the call.
    Synced {
        /** How many. */
        received: u32,
    },
}

/// What the engine asks of the runtime, in this order.
#[derive(Debug)]
pub enum Effect {
    /// A command for the network.
    Net(sotto_net::Command),
    /// The answer to a command.
    Reply(Ticket, Result<Answer, Error>),
    /// Tell the listeners; the change is committed.
    Emit(Event),
    /// Call `Tick` at this time, Unix milliseconds; replaces the earlier one. `None`: nothing is due.
    WakeAt(Option<i64>),
}

crate::closed_debug!(Command, Answer);
