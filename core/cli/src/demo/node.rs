//! A service node that the demo restarts when somebody kills it.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::Stage;
use super::child::Child;
use crate::exit::Failure;

/// Pause between starts.
const PAUSE: Duration = Duration::from_millis(200);
/// Most failed starts in a row.
const TRIES: u32 = 25;

/// A supervised node.
pub(crate) struct Node {
    /// The node's multiaddr, the same after each restart.
    pub(crate) address: String,
    stop: oneshot::Sender<()>,
    kill: mpsc::UnboundedSender<()>,
    task: JoinHandle<Result<(), Failure>>,
}

/// The line that `sotto node --json` prints.
#[derive(Deserialize)]
struct Listening {
    addrs: Vec<String>,
}

impl Node {
    /// Starts a node in `folder`; `restarted` gets a message for each restart.
    pub(crate) async fn start(
        stage: &Stage,
        folder: &Path,
        peers: &[String],
        restarted: mpsc::UnboundedSender<&'static str>,
        name: &'static str,
    ) -> Result<Self, Failure> {
        let arguments = |listen: &str| -> Vec<String> {
            let mut arguments: Vec<String> =
                ["node", "--json", "--listen", listen, "--data"].map(str::to_owned).to_vec();
            arguments.push(folder.to_string_lossy().into_owned());
            for peer in peers {
                arguments.extend(["--peer".to_owned(), peer.clone()]);
            }
            arguments
        };
        let (child, address) = start(stage, &arguments("/ip4/127.0.0.1/tcp/0")).await?;
        // The phones know this port.
        let listen = address.split_once("/p2p/").map_or(address.as_str(), |(listen, _)| listen);
        let again = arguments(listen);
        let (stop, stopped) = oneshot::channel();
        let (kill, killed) = mpsc::unbounded_channel();
        let task = tokio::spawn(supervise(stage.clone(), again, child, (stopped, killed), restarted, name));
        Ok(Self { address, stop, kill, task })
    }

    /// Kills the node's process with SIGKILL; the node starts again.
    pub(crate) fn kill(&self) {
        let _ = self.kill.send(());
    }

    /// Ends the node.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        let _ = self.stop.send(());
        self.task.await.map_err(|_| Failure::Failed("a node's supervisor ended badly".into()))?
    }
}

/// Starts a node and waits for its address. It may be killed before that, or its port may not be free yet.
async fn start(stage: &Stage, arguments: &[String]) -> Result<(Child, String), Failure> {
    let mut tries = 0;
    loop {
        let mut child = Child::start(stage, arguments)?;
        match listening(&mut child).await {
            Ok(address) => return Ok((child, address)),
            Err(error) if tries == TRIES => return Err(error),
            Err(_) => tries += 1,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn listening(child: &mut Child) -> Result<String, Failure> {
    let line = child.output.next_line().await.map_err(Failure::io)?;
    let found = line.and_then(|line| serde_json::from_str::<Listening>(&line).ok());
    found
        .and_then(|listening| listening.addrs.into_iter().next())
        .ok_or_else(|| Failure::Failed("a node did not start".into()))
}

async fn supervise(
    stage: Stage,
    arguments: Vec<String>,
    mut child: Child,
    (mut stopped, mut killed): (oneshot::Receiver<()>, mpsc::UnboundedReceiver<()>),
    restarted: mpsc::UnboundedSender<&'static str>,
    name: &'static str,
) -> Result<(), Failure> {
    loop {
        tokio::select! {
            _ = child.process.wait() => {}
            Some(()) = killed.recv() => child.process.kill().await.map_err(Failure::io)?,
            _ = &mut stopped => {
                child.close().await.map_err(Failure::io)?;
                return Ok(());
            }
        }
        let _ = restarted.send(name);
        (child, _) = start(&stage, &arguments).await?;
    }
}
