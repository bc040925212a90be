//! How the program ends, and its exit codes.

use std::process::ExitCode;

use sotto_messenger::{Code, Error, Kind, Messenger};

/// Why the program failed; each case has its exit code. For wrong arguments clap exits with 2.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Failure {
    /// Exit code 1: an operation failed.
    #[error("{0}")]
    Failed(String),
    /// Exit code 2: wrong usage.
    #[error("{0}")]
    Usage(String),
    /// Exit code 3: the data cannot be opened.
    #[error("the data cannot be used: {0}")]
    Data(String),
    /// Exit code 4: messages wait and no node was reached.
    #[error("no node was reached: {0}")]
    NoNode(String),
}

impl Failure {
    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::Data(_) => 3,
            Self::NoNode(_) => 4,
        })
    }

    pub(crate) fn io(error: std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match (error.kind(), error.code()) {
            (Kind::Storage, _) => Self::Data(error.to_string()),
            (_, Code::NetworkAddress | Code::BadSetting) => Self::Usage(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
}

impl From<Code> for Failure {
    fn from(code: Code) -> Self {
        Error::from(code).into()
    }
}

/// Fails if messages wait and no node was reached during the whole run.
pub(crate) fn stranded(messenger: &Messenger) -> Result<(), Failure> {
    match messenger.diagnostics() {
        Ok(about) if about.unsent > 0 && !about.node_reached => {
            Err(Failure::NoNode(format!("{} messages wait", about.unsent)))
        }
        _ => Ok(()),
    }
}
