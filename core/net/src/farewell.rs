//! The last events of an actor.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

/// How long the last events wait to be fetched.
const WITHIN: Duration = Duration::from_secs(5);

/// Delivers the last events while somebody fetches them.
pub(crate) async fn farewell<E>(events: &mpsc::Sender<E>, last: impl Iterator<Item = E>) {
    let flush = async {
        for event in last {
            if events.send(event).await.is_err() {
                return;
            }
        }
    };
    if timeout(WITHIN, flush).await.is_err() {
        log::warn!("the last events were not fetched");
    }
}
