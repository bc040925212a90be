//! The status line about the network.

use sotto_messenger::records::Connectivity;
use sotto_messenger::{Code, Mode};

use crate::chat::people::clock;

/// The known state of the network.
#[derive(Debug, Default)]
pub(super) struct Status {
    now: Connectivity,
    mode: Mode,
    /// The person went offline.
    left: bool,
    /// No node was reached for a while.
    unreachable: bool,
    /// A node of another cluster was found.
    other: bool,
    /// Another device took over the account.
    replaced: bool,
    /// The own bucket is busy and therefore polled.
    busy: bool,
    /// When the device's clock was found wrong, Unix milliseconds.
    clock_ms: Option<i64>,
}

impl Status {
    pub(super) fn new(mode: Mode) -> Self {
        Self { mode, ..Self::default() }
    }

    pub(super) fn connected(&mut self, now: &Connectivity) {
        self.now = now.clone();
        if now.publish_nodes > 0 || now.receive_nodes > 0 || now.relay_peers > 0 {
            self.unreachable = false;
        }
    }

    /// Takes a notice about the network.
    pub(super) fn notice(&mut self, code: Code, now_ms: i64) {
        match code {
            Code::NetworkUnreachable => self.unreachable = true,
            Code::NetworkOther => self.other = true,
            Code::DeviceReplaced => self.replaced = true,
            Code::BucketBusy => self.busy = true,
            Code::ClockSkewed => self.clock_ms = Some(now_ms),
            _ => {}
        }
    }

    /// The network was connected or disconnected with a new messenger: the findings of the last one no longer hold.
    pub(super) fn opened(&mut self, online: bool) {
        *self = Self { left: !online, ..Self::new(self.mode) };
    }

    /// The state as one line.
    pub(super) fn sentence(&self) -> String {
        let mut parts = vec![self.reach()];
        let is_on = self.now.publish_nodes > 0 || self.now.receive_nodes > 0 || self.now.relay_peers > 0;
        if self.other && is_on {
            parts.push("a node of another network is not used".into());
        }
        if self.now.subscribed && !self.now.store {
            parts.push("no store: missed messages come later".into());
        }
        if self.busy {
            parts.push("busy bucket: messages may come late".into());
        }
        if let Some(ms) = self.clock_ms {
            parts.push(format!("clock off, found {} UTC", clock(ms)));
        }
        parts.join(" · ")
    }

    fn reach(&self) -> String {
        const WAITS: &str = "what you write waits";
        let now = &self.now;
        let is_on = now.publish_nodes > 0 || now.receive_nodes > 0 || now.relay_peers > 0;
        if self.replaced {
            return "replaced by another device: nothing is sent or received here".into();
        }
        if self.left {
            return format!("offline: {WAITS}; /online");
        }
        if !is_on {
            let why = match (self.other, self.unreachable) {
                (true, _) => "other network: these nodes belong to another cluster",
                (_, true) => "no network: no node answers",
                _ => "connecting",
            };
            return format!("{why}; {WAITS}");
        }
        if now.publish_nodes == 0 {
            let hears = if now.subscribed { "receiving only" } else { "connecting" };
            return format!("{hears}: no node to send through; {WAITS}");
        }
        if !now.subscribed {
            return "sending only: nothing is received yet".into();
        }
        match (self.mode, now.relay_peers) {
            (_, 1..) => format!("relay, {} peers", now.relay_peers),
            (Mode::Relay, _) => "light: relay mode has no peers yet".into(),
            _ => format!("light, sends through {}, receives from {}", now.publish_nodes, now.receive_nodes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(publish_nodes: u32, receive_nodes: u32, subscribed: bool, relay_peers: u32) -> Connectivity {
        Connectivity { publish_nodes, receive_nodes, store: true, subscribed, relay_peers }
    }

    #[test]
    fn it_says_what_works_and_what_does_not() {
        let mut status = Status::default();
        assert!(status.sentence().starts_with("connecting; what you write waits"));
        status.notice(Code::NetworkUnreachable, 0);
        assert!(status.sentence().starts_with("no network"));
        status.connected(&of(0, 1, true, 0));
        assert!(status.sentence().starts_with("receiving only"));
        status.connected(&of(1, 0, false, 0));
        assert!(status.sentence().starts_with("sending only"));
        status.connected(&of(1, 2, true, 0));
        assert_eq!(status.sentence(), "light, sends through 1, receives from 2");
        status.mode = Mode::Relay;
        assert!(status.sentence().contains("no peers yet"));
        status.connected(&of(1, 2, true, 3));
        assert_eq!(status.sentence(), "relay, 3 peers");
        status.connected(&Connectivity { store: false, ..of(1, 2, true, 3) });
        assert!(status.sentence().contains("no store"));
        status.connected(&of(0, 0, false, 0));
        assert!(status.sentence().starts_with("connecting"), "what was unreachable was reached since");
    }

    #[test]
    fn another_network_a_wrong_clock_and_another_device_are_told_apart() {
        let mut status = Status::default();
        status.notice(Code::NetworkOther, 0);
        assert!(status.sentence().starts_with("other network"));
        status.connected(&of(1, 1, true, 0));
        assert!(status.sentence().starts_with("light") && status.sentence().contains("another network"));
        status.notice(Code::ClockSkewed, 3_600_000);
        assert!(status.sentence().ends_with("clock off, found 01:00 UTC"));
        status.notice(Code::BucketBusy, 0);
        assert!(status.sentence().contains("busy bucket"));
        status.notice(Code::DeviceReplaced, 0);
        assert!(status.sentence().starts_with("replaced"));
        status.opened(false);
        assert_eq!(status.sentence(), "offline: what you write waits; /online");
    }
}
