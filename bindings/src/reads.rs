//! Work of the disk beside the caller's thread. One thread opens each core and then reads for it, because each core has
//! one reading connection.

use std::thread::{self, Builder, JoinHandle};

use sotto_messenger::{Code, Config, Error, Messenger};
use tokio::sync::{mpsc, oneshot};

use crate::error::SottoError;

/// Most reads that wait for the thread; a further caller waits for a place.
const DEPTH: usize = 64;

type Read = Box<dyn FnOnce(&Messenger) + Send>;

/// The reading thread. When this is dropped, it finishes its work and ends.
pub(crate) struct Reads {
    /// `None` only during the drop.
    inbox: Option<mpsc::Sender<Read>>,
    thread: Option<JoinHandle<()>>,
}

impl Reads {
    /// Opens a messenger on a new thread, which reads for it from then on. Dropping the future closes what it opened.
    pub(crate) async fn open(config: Config) -> Result<(Messenger, Self), SottoError> {
        let (inbox, mut reads) = mpsc::channel::<Read>(DEPTH);
        let (caller, answer) = oneshot::channel();
        let work = move || match Messenger::open(config) {
            Ok(messenger) => {
                let _ = caller.send(Ok(messenger.clone()));
                while let Some(read) = reads.blocking_recv() {
                    read(&messenger);
                }
            }
            Err(error) => drop(caller.send(Err(error))),
        };
        let thread = spawn(work)?;
        let messenger = answer.await.map_err(|_| Code::Internal)??;
        Ok((messenger, Self { inbox: Some(inbox), thread: Some(thread) }))
    }

    /// Reads on the thread and waits for the answer. Dropping the future discards only the answer.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Messenger) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, SottoError> {
        let (caller, answer) = oneshot::channel();
        let read = Box::new(move |messenger: &Messenger| {
            let _ = caller.send(work(messenger)); // a caller that went away wants no answer
        });
        let inbox = self.inbox.as_ref().ok_or(Code::Closed)?;
        inbox.send(read).await.map_err(|_| Code::Closed)?;
        Ok(answer.await.map_err(|_| Code::Closed)??)
    }
}

/// Does something on a thread of its own.
pub(crate) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, SottoError> {
    let (caller, answer) = oneshot::channel();
    spawn(move || drop(caller.send(work())))?;
    Ok(answer.await.map_err(|_| Code::Internal)??)
}

fn spawn(work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Error> {
    Builder::new().name("sotto-read".into()).spawn(work).map_err(|_| Code::Internal.into())
}

impl Drop for Reads {
    fn drop(&mut self) {
        self.inbox = None;
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != thread::current().id() // the host dropped it in an answer's callback
            && thread.join().is_err()
        {
            log::error!("the reading thread panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::{Arc, Mutex, mpsc};
    use std::task::{Context, Poll, Wake, Waker};

    use sotto_messenger::{Fleet, Preset};

    use super::*;

    /// A host that continues on the answering thread, as Kotlin's unconfined dispatcher does.
    struct Inline {
        work: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
    }

    impl Inline {
        fn go_on(self: Arc<Self>) {
            let mut work = self.work.lock().unwrap();
            let waker = Waker::from(Arc::clone(&self));
            let ended = work.as_mut().map(|work| work.as_mut().poll(&mut Context::from_waker(&waker)));
            if ended == Some(Poll::Ready(())) {
                *work = None;
            }
        }
    }

    impl Wake for Inline {
        fn wake(self: Arc<Self>) {
            self.go_on();
        }
    }

    #[test]
    fn it_may_be_let_go_of_where_an_answer_arrives() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::new(folder.path(), [7; 32], Fleet::preset(Preset::Local));
        let (goes, gone) = mpsc::channel();
        let work = async move {
            let (messenger, reads) = Reads::open(config).await.unwrap();
            drop(messenger);
            while thread::current().name() != Some("sotto-read") {
                assert_eq!(reads.read(Messenger::account).await.unwrap(), None);
            }
            drop(reads);
            goes.send(()).unwrap();
        };
        Arc::new(Inline { work: Mutex::new(Some(Box::pin(work))) }).go_on();
        gone.recv().expect("it went on and came to its end");
    }
}
