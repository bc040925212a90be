//! Reads beside the caller's thread: one thread for each core, as there is one connection that reads.

use std::thread::{Builder, JoinHandle};

use sotto_messenger::{Code, Error, Messenger};
use tokio::sync::{mpsc, oneshot};

use crate::error::SottoError;

/// Reads that wait for the thread; who asks for one more waits for a place.
const DEPTH: usize = 64;

type Read = Box<dyn FnOnce(&Messenger) + Send>;

/// The thread that reads. It ends with this, having done what was asked.
pub(crate) struct Reads {
    /// `None` only while this is dropped.
    inbox: Option<mpsc::Sender<Read>>,
    thread: Option<JoinHandle<()>>,
}

impl Reads {
    pub(crate) fn start(messenger: Messenger) -> Result<Self, Error> {
        let (inbox, mut reads) = mpsc::channel::<Read>(DEPTH);
        let work = move || {
            while let Some(read) = reads.blocking_recv() {
                read(&messenger);
            }
        };
        let thread = Builder::new().name("sotto-read".into()).spawn(work).map_err(|_| Code::Internal)?;
        Ok(Self { inbox: Some(inbox), thread: Some(thread) })
    }

    /// Reads, and waits for the answer. Dropping the future gives up the answer alone.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Messenger) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, SottoError> {
        let (caller, answer) = oneshot::channel();
        let read = Box::new(move |messenger: &Messenger| {
            let _ = caller.send(work(messenger)); // whoever has gone wants none
        });
        let inbox = self.inbox.as_ref().ok_or(Code::Closed)?;
        inbox.send(read).await.map_err(|_| Code::Closed)?;
        Ok(answer.await.map_err(|_| Code::Closed)??)
    }
}

impl Drop for Reads {
    fn drop(&mut self) {
        self.inbox = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the reading thread panicked");
        }
    }
}
