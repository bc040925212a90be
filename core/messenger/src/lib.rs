//! The engine and the public API.
//!
//! [`Messenger`] is what apps, bots and the bindings use. Behind it one thread owns the engine ([`engine`]), a state
//! machine that never waits, and the write connection to the account's database; a second thread runs the network
//! actor. A call that changes something travels to the engine as a struct ([`engine::call`]), is on disk before it is
//! answered, and leaves for the network as an effect. Reads use a query-only connection of their own. [`Event`]s are
//! hints sent after the commit; the database is the truth.
//!
//! ```no_run
//! use sotto_messenger::{Config, Fleet, Messenger, Preset};
//!
//! # async fn quickstart(dir: &str, key: [u8; 32]) -> Result<(), Box<dyn std::error::Error>> {
//! let fleet = Fleet::preset(Preset::Local);
//! let messenger = Messenger::open(Config::new(dir, key, fleet))?;
//! let phrase = messenger.account_create("Alice").await?;   // show it once, to be written down
//! let invite = messenger.invite().await?;                  // a link, also for a QR code
//! # Ok(())
//! # }
//! ```
//!
//! This crate knows the data of crypto, wire, db and net. It knows no libp2p type, no SQL and no curve.
#![cfg_attr(not(test), deny(clippy::too_many_lines))]

mod api;
mod clock;
mod config;
mod counter;
mod cursor;
mod cut;
pub mod disk;
pub mod engine;
mod error;
mod event;
mod fleet;
pub mod grouplog;
mod open;
pub mod records;
mod runtime;
mod search;
mod status;
mod subscription;
pub mod view;
mod worker;

pub use api::{Messenger, version};
pub use clock::{Clock, system_clock};
pub use config::{Config, Mode};
pub use counter::OpenCounter;
pub use error::{Code, Error, Kind};
pub use event::Event;
pub use fleet::{Fleet, Preset, Sharding};
pub use sotto_net::Network;
#[doc(hidden)]
pub use sotto_wire::closed_debug;
pub use subscription::{EVENT_DEPTH, Subscription};
