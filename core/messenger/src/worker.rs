//! The thread that reads and writes sealed files. It starts with the first order.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::{Builder, JoinHandle};

use rand_core::UnwrapErr;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::disk::{Disk, Done, Order};

pub(crate) struct Worker {
    dir: PathBuf,
    done: UnboundedSender<Done>,
    running: Option<(Sender<Order>, JoinHandle<()>)>,
    stop: Arc<AtomicBool>,
}

impl Worker {
    /// The worker of a folder, and its answers. What a search has read waits here, so searches are bounded.
    pub(crate) fn new(dir: PathBuf) -> (Self, UnboundedReceiver<Done>) {
        let (done, answers) = unbounded_channel();
        (Self { dir, done, running: None, stop: Arc::default() }, answers)
    }

    pub(crate) fn run(&mut self, order: Order) {
        if self.running.is_none() {
            self.running = self.start();
        }
        // Without a thread transfers rest until the next start.
        if self.running.as_ref().is_none_or(|(orders, _)| orders.send(order).is_err()) {
            log::error!("no thread for files");
        }
    }

    fn start(&self) -> Option<(Sender<Order>, JoinHandle<()>)> {
        let (orders, waiting) = channel::<Order>();
        let mut disk = Disk::new(self.dir.clone(), UnwrapErr(getrandom::SysRng));
        let (done, stop) = (self.done.clone(), Arc::clone(&self.stop));
        let work = move || {
            for order in waiting {
                // What is not done now is begun again after the next start.
                if stop.load(Ordering::Relaxed) || done.send(disk.run(order)).is_err() {
                    return;
                }
            }
        };
        let thread = Builder::new().name("sotto-files".into()).spawn(work);
        thread.inspect_err(|error| log::error!("no thread for files: {error}")).ok().map(|thread| (orders, thread))
    }
}

impl Drop for Worker {
    /// Waits for the running order: the folder is free then.
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some((orders, thread)) = self.running.take() {
            drop(orders);
            if thread.join().is_err() {
                log::error!("the thread for files panicked");
            }
        }
    }
}
