//! Pushing to one subscriber: one stream for as long as it holds, a new one when it breaks; to those that read one push
//! from a stream and close it, as go-waku's clients do, a stream for each.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::{AsyncReadExt as _, AsyncWriteExt as _};
use libp2p::{PeerId, Stream, StreamProtocol};
use sotto_wire::waku::protocol;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{sleep, timeout};

use crate::streams::Opener;

/// For the subscriber to take one push.
const TAKE_WITHIN: Duration = Duration::from_secs(20);
/// Streams a subscriber may reset in a row. One that does not speak the protocol looks like that too, because
/// negotiation is lazy.
const RESETS: u32 = 8;
/// Between pushes with a stream for each: go-waku resets what comes faster than 15 a second.
const PACE: Duration = Duration::from_millis(70);

/// How pushes to a subscriber go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// All on one stream.
    Lasting,
    /// A stream for each.
    Each,
}

/// One push on its way to a subscriber.
pub(crate) struct Frame {
    /// How the subscriber wants it, as far as is known by now.
    pub(crate) style: Style,
    pub(crate) bytes: Arc<[u8]>,
    /// Its bytes' share of what may wait.
    pub(crate) _room: OwnedSemaphorePermit,
}

/// Pushes what comes until there is no more to come or the subscriber takes no more.
pub(crate) async fn run(opener: Opener, peer: PeerId, mut frames: mpsc::Receiver<Frame>) {
    let mut stream: Option<Stream> = None;
    let mut learnt = Style::Lasting;
    let mut resets = 0;
    while resets < RESETS {
        let frame = match stream.as_mut() {
            None => frames.recv().await,
            Some(open) => tokio::select! {
                biased;
                clean = closed(open) => {
                    stream = None;
                    if clean {
                        learnt = Style::Each; // what was written after the close is lost, without an error
                    } else {
                        resets += 1;
                    }
                    continue;
                }
                frame = frames.recv() => frame,
            },
        };
        let Some(frame) = frame else {
            return;
        };
        if write(&opener, peer, &mut stream, &frame.bytes)
            .await
            .is_err()
        {
            // Once more on a new stream: twice is harmless, subscribers drop what they have.
            stream = None;
            if write(&opener, peer, &mut stream, &frame.bytes)
                .await
                .is_err()
            {
                return log::debug!("a subscriber takes no more");
            }
        }
        if [frame.style, learnt].contains(&Style::Each) {
            if let Some(mut done) = stream.take() {
                let _ = done.close().await;
            }
            sleep(PACE).await;
        }
    }
}

/// Subscribers have nothing to say on this stream: whatever comes is its end. True if they closed it in order.
async fn closed(stream: &mut Stream) -> bool {
    stream.read(&mut [0; 1]).await.is_ok()
}

async fn write(
    opener: &Opener,
    peer: PeerId,
    stream: &mut Option<Stream>,
    frame: &[u8],
) -> io::Result<()> {
    timeout(TAKE_WITHIN, async {
        if stream.is_none() {
            let protocol = StreamProtocol::new(protocol::FILTER_PUSH);
            let (mut fresh, _) = opener.open(peer, protocol).await?;
            fresh.ignore_for_keep_alive();
            *stream = Some(fresh);
        }
        match stream {
            Some(open) => {
                open.write_all(frame).await?;
                open.flush().await
            }
            None => Ok(()),
        }
    })
    .await
    .map_err(|_| io::ErrorKind::TimedOut)?
}
