//! `sotto demo`: two nodes and four phones, each in its own process, go through a day in a minute.
//!
//! The demo controls its children only over their standard input and output: nodes print their address, phones speak
//! JSON-RPC. A child ends with its standard input, so no child outlives the demo.

mod child;
mod figures;
mod files;
mod group;
mod node;
mod phone;
mod posts;
mod screen;
mod story;
mod views;

use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::args::DemoArgs;
use crate::exit::Failure;
use crate::logger;
use crate::stop::Stop;
use figures::Figures;
use screen::Screen;
use story::Cast;

/// Longest time of the whole demo, including processes that a spectator kills.
const PATIENCE: Duration = Duration::from_secs(240);

/// Path and arguments to start a child.
#[derive(Clone)]
pub(crate) struct Stage {
    program: PathBuf,
    log: String,
}

/// Runs to the end of the story.
pub(crate) async fn run(args: &DemoArgs) -> Result<(), Failure> {
    logger::start(args.log);
    let mut stop = Stop::catch().map_err(Failure::io)?;
    let stage = Stage { program: std::env::current_exe().map_err(Failure::io)?, log: args.log.as_str().to_lowercase() };
    let folder = Folder::new(args.data.as_deref())?;
    let screen = Screen::new(args.json);
    let play = async {
        let mut cast = Cast::assemble(stage, folder.path(), &screen).await?;
        let figures = story::tell(&mut cast).await?;
        cast.leave().await?;
        Ok::<Figures, Failure>(figures)
    };
    let figures = tokio::select! {
        done = tokio::time::timeout(PATIENCE, play) => match done {
            Ok(figures) => figures?,
            Err(_) => return Err(Failure::Failed(format!("timed out waiting for {}", screen.waiting_for()))),
        },
        () = stop.asked() => return Err(Failure::Failed("stopped".into())),
    };
    figures.show(args.json).map_err(Failure::io)?;
    figures.verdict()
}

/// The folder of all processes; kept if the user named it.
enum Folder {
    Named(PathBuf),
    Temporary(TempDir),
}

impl Folder {
    fn new(named: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = named else {
            let temporary = tempfile::Builder::new().prefix("sotto-demo-").tempdir();
            return Ok(Self::Temporary(temporary.map_err(Failure::io)?));
        };
        std::fs::create_dir_all(path).map_err(Failure::io)?;
        let mut entries = std::fs::read_dir(path).map_err(Failure::io)?;
        match entries.next() {
            None => Ok(Self::Named(path.to_owned())),
            Some(_) => {
                Err(Failure::Usage("the demo's folder must be empty: its people meet for the first time".into()))
            }
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Named(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }
}
