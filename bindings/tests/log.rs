//! Logs on a system without a log of its own: the host's logger gets them, the settings choose the level.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Mutex;

use log::{LevelFilter, Log, Metadata, Record};
use sotto_ffi::{LogLevel, Mode, Preset, SettingsPatch, SottoConfig, SottoCore};

struct Kept(Mutex<Vec<String>>);

static KEPT: Kept = Kept(Mutex::new(Vec::new()));

impl Log for Kept {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &Record<'_>) {
        let line = format!("{} {}", record.target(), record.args());
        self.0.lock().unwrap().push(line);
    }
    fn flush(&self) {}
}

async fn level(core: &SottoCore, level: LogLevel) {
    let patch = SettingsPatch { log: Some(level), ..SettingsPatch::default() };
    core.settings_set(patch).await.unwrap();
}

#[tokio::test]
async fn the_setting_is_the_level_and_nothing_secret_is_logged() {
    log::set_logger(&KEPT).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = SottoConfig {
        dir: folder.path().to_str().unwrap().into(),
        preset: Preset::Local,
        mode: Mode::Light,
        network: None,
        nodes: Vec::new(),
        dns_trees: Vec::new(),
        dns_servers: Vec::new(),
        listen: Vec::new(),
        receipts: false,
        counter_file: None,
        log: Some(LogLevel::Trace),
    };
    let core = SottoCore::open(config.clone(), vec![7; 32]).await.unwrap();
    assert_eq!(log::max_level(), LevelFilter::Trace);
    let phrase = core.account_create("Kanarienvogel".into()).await.unwrap();
    let link = core.invite().await.unwrap().link;
    level(&core, LogLevel::Warn).await;
    assert_eq!(log::max_level(), LevelFilter::Warn);
    core.shutdown().await.unwrap();

    // The level is stored, and the next open uses it unless the configuration sets another.
    let stored = SottoConfig { log: None, ..config };
    log::set_max_level(LevelFilter::Trace);
    let core = SottoCore::open(stored, vec![7; 32]).await.unwrap();
    assert_eq!(log::max_level(), LevelFilter::Warn);
    core.shutdown().await.unwrap();

    let lines = KEPT.0.lock().unwrap();
    let made = "sotto_messenger::engine::base::own account made";
    assert!(lines.iter().any(|line| line == made), "{lines:?}");
    let account_words = phrase.split(' ').collect::<Vec<_>>().windows(2).map(|pair| pair.join(" ")).collect::<Vec<_>>();
    for line in lines.iter() {
        assert!(!line.contains("Kanarienvogel") && !line.contains(&link[link.len() - 20..]), "{line}");
        assert!(account_words.iter().all(|pair| !line.contains(pair)), "{line}");
    }
}
