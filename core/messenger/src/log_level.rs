//! Log levels by name, as settings carry them.

use log::LevelFilter;

use crate::error::{Code, Error};

/// `off`, `error`, `warn`, `info`, `debug` or `trace`; else `input.setting`.
pub(crate) fn parse(name: &str) -> Result<LevelFilter, Error> {
    match name {
        "off" => Ok(LevelFilter::Off),
        "error" => Ok(LevelFilter::Error),
        "warn" => Ok(LevelFilter::Warn),
        "info" => Ok(LevelFilter::Info),
        "debug" => Ok(LevelFilter::Debug),
        "trace" => Ok(LevelFilter::Trace),
        _ => Err(Code::BadSetting.into()),
    }
}
