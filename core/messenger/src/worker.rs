//! The thread that reads and writes sealed files. It starts with the first order.

use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::thread::{Builder, JoinHandle};

use rand_core::UnwrapErr;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::disk::{Disk, Done, Order, Stop};

pub(crate) struct Worker {
    dir: PathBuf,
    done: UnboundedSender<Done>,
    running: Option<Running>,
}

struct Running {
    orders: Sender<Order>,
    thread: JoinHandle<()>,
    stop: Stop,
}

impl Worker {
    /// The worker of a folder, and its answers. What a search has read waits here, so searches are bounded.
    pub(crate) fn new(dir: PathBuf) -> (Self, UnboundedReceiver<Done>) {
        let (done, answers) = unbounded_channel();
        (Self { dir, done, running: None }, answers)
    }

    pub(crate) fn run(&mut self, order: Order) {
        if self.running.is_none() {
            self.running = self.start();
        }
        if let (Some(Running { stop, .. }), Order::Stop { job }) = (&self.running, &order) {
            stop.job(*job);
        }
        // Without a thread transfers rest until the next start.
        if self.running.as_ref().is_none_or(|running| running.orders.send(order).is_err()) {
            log::error!("no thread for files");
        }
    }

    fn start(&self) -> Option<Running> {
        let (orders, waiting) = channel::<Order>();
        let mut disk = Disk::new(self.dir.clone(), UnwrapErr(getrandom::SysRng));
        let (done, stop) = (self.done.clone(), disk.stop());
        let is_closing = disk.stop();
        let work = move || {
            for order in waiting {
                // What is not done now is begun again after the next start.
                if is_closing.is_all() || done.send(disk.run(order)).is_err() {
                    return;
                }
            }
        };
        let thread = Builder::new().name("sotto-files".into()).spawn(work);
        let thread = thread.inspect_err(|error| log::error!("no thread for files: {error}")).ok()?;
        Some(Running { orders, thread, stop })
    }
}

impl Drop for Worker {
    /// Ends the running order and waits for that: the folder is free then.
    fn drop(&mut self) {
        if let Some(Running { orders, thread, stop }) = self.running.take() {
            stop.all();
            drop(orders);
            if thread.join().is_err() {
                log::error!("the thread for files panicked");
            }
        }
    }
}
