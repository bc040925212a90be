//! The target of log lines: logcat on Android, the unified log on Apple's systems, elsewhere the logger that the host
//! program sets for the `log` facade. Settings change the level at run time.

/// Starts the platform's log, once. A logger that the host has set stays.
pub(crate) fn start() {
    #[cfg(any(target_os = "android", target_os = "ios", target_os = "macos"))]
    {
        static STARTED: std::sync::Once = std::sync::Once::new();
        STARTED.call_once(|| {
            let _ = log::set_boxed_logger(Box::new(own::Own(platform())));
        });
    }
}

/// The tag of a line is its module's path.
#[cfg(target_os = "android")]
fn platform() -> android_logger::AndroidLogger {
    android_logger::AndroidLogger::new(android_logger::Config::default())
}

/// The category of a line is its module's path. The crate marks all lines public; no line is secret.
#[cfg(any(target_os = "ios", target_os = "macos"))]
fn platform() -> oslog::OsLogger {
    oslog::OsLogger::new("sotto")
}

#[cfg(any(test, target_os = "android", target_os = "ios", target_os = "macos"))]
mod own {
    use log::{Log, Metadata, Record};

    /// Accepts lines of this project only: lines of other crates may contain addresses.
    pub(super) struct Own<L>(pub(super) L);

    impl<L: Log> Log for Own<L> {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            metadata.target().starts_with("sotto") && self.0.enabled(metadata)
        }

        fn log(&self, record: &Record<'_>) {
            if self.enabled(record.metadata()) {
                self.0.log(record);
            }
        }

        fn flush(&self) {
            self.0.flush();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use log::{Level, Log, Metadata, Record};

    use super::own::Own;

    #[derive(Default)]
    struct Kept(Mutex<Vec<String>>);

    impl Log for &Kept {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            metadata.level() <= Level::Info
        }
        fn log(&self, record: &Record<'_>) {
            self.0.lock().unwrap().push(record.target().into());
        }
        fn flush(&self) {}
    }

    #[test]
    fn only_own_lines_of_the_level_pass() {
        let kept = Kept::default();
        let own = Own(&kept);
        let line = |target, level| {
            let args = format_args!("line");
            own.log(&Record::builder().target(target).level(level).args(args).build());
        };
        line("sotto_net::client", Level::Info);
        line("libp2p_swarm", Level::Error);
        line("sotto_messenger", Level::Debug);
        line("sotto_messenger", Level::Warn);
        assert_eq!(*kept.0.lock().unwrap(), ["sotto_net::client", "sotto_messenger"]);
    }
}
