//! A child process: its input and output lines, and its memory.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout, Command};

use super::Stage;
use crate::exit::Failure;

/// A running `sotto` that the demo started.
pub(crate) struct Child {
    pub(crate) process: tokio::process::Child,
    pub(crate) input: ChildStdin,
    pub(crate) output: Lines<BufReader<ChildStdout>>,
}

impl Child {
    /// Starts `sotto` with these arguments. Dropping the value kills the process.
    pub(crate) fn start(stage: &Stage, arguments: &[String]) -> Result<Self, Failure> {
        let mut process = Command::new(&stage.program)
            .args(arguments)
            .args(["--log", &stage.log])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(Failure::io)?;
        let (Some(input), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(Failure::Failed("a child without standard streams".into()));
        };
        Ok(Self { process, input, output: BufReader::new(output).lines() })
    }

    /// Largest resident memory of the process so far, bytes; 0 if the system does not report it.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = self.process.id().and_then(|id| std::fs::read_to_string(format!("/proc/{id}/status")).ok());
        let kib = status.as_deref().and_then(|status| {
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        });
        kib.unwrap_or(0).saturating_mul(1024)
    }

    /// Writes a line to its standard input.
    pub(crate) async fn write(&mut self, line: &str) -> std::io::Result<()> {
        self.input.write_all(line.as_bytes()).await?;
        self.input.write_all(b"\n").await?;
        self.input.flush().await
    }

    /// Kills the process with SIGKILL.
    pub(crate) async fn kill(mut self) -> std::io::Result<()> {
        self.process.kill().await
    }

    /// Closes its standard input and waits for its end.
    pub(crate) async fn close(self) -> std::io::Result<std::process::ExitStatus> {
        let Self { mut process, input, mut output } = self;
        drop(input);
        // A full pipe would block the child.
        while let Ok(Some(_)) = output.next_line().await {}
        process.wait().await
    }
}
