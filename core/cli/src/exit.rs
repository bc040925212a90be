//! How the program ends.

use std::process::ExitCode;

use sotto_messenger::{Code, Error, Kind, Messenger};

/// Why it did not end well; each has its exit code. Usage errors of the arguments themselves end with 2 in clap.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Failure {
    /// Exit code 1.
    #[error("{0}")]
    Failed(String),
    /// Exit code 2.
    #[error("{0}")]
    Usage(String),
    /// Exit code 3.
    #[error("the data cannot be used: {0}")]
    Data(String),
    /// Exit code 4.
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

/// Something waits to be sent and no node was there all the time.
pub(crate) fn stranded(messenger: &Messenger) -> Result<(), Failure> {
    match messenger.diagnostics() {
        Ok(about) if about.unsent > 0 && !about.node_reached => {
            Err(Failure::NoNode(format!("{} things wait to be sent", about.outbox)))
        }
        _ => Ok(()),
    }
}
