//! The `sotto` program: a service node, a JSON-RPC server around the messenger, a terminal chat and a demo.
//!
//! The program uses the messenger's public API, the service side of the network and the archive. Standard output is
//! data: only [`output`] and the screen of [`chat`] write there. Everything for human observers goes to standard error.

mod args;
mod chat;
mod demo;
mod exit;
mod input;
mod keyfile;
mod logger;
mod node;
mod open;
mod output;
mod rpc;
mod stop;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};
use crate::exit::Failure;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::complain(&failure.to_string());
            failure.code()
        }
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::io)?;
    let result = match cli.command {
        Command::Node(args) => runtime.block_on(node::run(&args)),
        Command::Rpc(args) => runtime.block_on(rpc::run(&args)),
        Command::Chat(args) => runtime.block_on(chat::run(&args)),
        Command::Demo(args) => runtime.block_on(demo::run(&args)),
    };
    // The thread that reads standard input may still wait there.
    runtime.shutdown_background();
    result
}
