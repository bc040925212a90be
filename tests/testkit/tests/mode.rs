//! Light or relay: what the host reports about power and network, and what the network is ordered to do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use sotto_messenger::{Config, Fleet, Messenger, Mode, Network, Preset, system_clock};
use sotto_net::{Command, Event, NetHandle};
use tempfile::TempDir;
use tokio::sync::mpsc;

struct Host {
    messenger: Messenger,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<Event>,
    _folder: TempDir,
}

fn host(mode: Mode) -> Host {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::new(folder.path(), [7; 32], Fleet::preset(Preset::Local));
    config.mode = mode;
    let (sender, commands) = mpsc::channel(16);
    let (events, receiver) = mpsc::channel(16);
    let net = NetHandle { commands: sender, events: receiver };
    Host { messenger: Messenger::open_over(config, net, system_clock()).unwrap(), commands, events, _folder: folder }
}

impl Host {
    /// Commands up to the previous call's answer: the engine carries them out in order.
    async fn told(&mut self) -> Vec<Command> {
        self.messenger.set_foreground(false).await.unwrap();
        let mut told = Vec::new();
        loop {
            let next = tokio::time::timeout(Duration::from_secs(60), self.commands.recv());
            match next.await.expect("in vain").unwrap() {
                Command::Foreground(false) => return told,
                command => told.push(command),
            }
        }
    }

    async fn network(&self, metered: bool) {
        let network = Network { metered, ..Network::default() };
        self.messenger.on_network_change(network).await.unwrap();
    }
}

fn network(metered: bool) -> Command {
    Command::NetworkChanged(Network { metered, ..Network::default() })
}

#[tokio::test]
async fn adaptive_relays_while_charging_on_a_network_that_costs_nothing() {
    let mut host = host(Mode::Adaptive);
    assert_eq!(host.told().await, []);
    host.messenger.on_power_change(true).await.unwrap();
    assert_eq!(host.told().await, [], "nobody said what the network costs");
    host.network(true).await;
    assert_eq!(host.told().await, [network(true)]);
    host.network(false).await;
    assert_eq!(host.told().await, [network(false), Command::Relay(true)]);
    host.network(false).await;
    assert_eq!(host.told().await, [network(false)]);
    host.network(true).await;
    assert_eq!(host.told().await, [Command::Relay(false), network(true)]);
    host.network(false).await;
    host.messenger.on_power_change(false).await.unwrap();
    let told = host.told().await;
    assert_eq!(told, [network(false), Command::Relay(true), Command::Relay(false)]);
}

#[tokio::test]
async fn a_relay_is_one_from_the_start_and_a_light_client_never() {
    let mut relay = host(Mode::Relay);
    assert_eq!(relay.told().await, [Command::Relay(true)]);
    relay.network(true).await;
    relay.messenger.on_power_change(false).await.unwrap();
    assert_eq!(relay.told().await, [network(true)]);

    let mut light = host(Mode::Light);
    light.network(false).await;
    light.messenger.on_power_change(true).await.unwrap();
    assert_eq!(light.told().await, [network(false)]);
}

#[tokio::test]
async fn where_neighbours_are_served_is_told() {
    let host = host(Mode::Relay);
    assert!(host.messenger.serving().is_empty());
    let addresses = vec!["/ip4/10.0.0.7/tcp/60000/p2p/x".to_owned()];
    let serving = Event::Serving { addresses: addresses.clone() };
    host.events.send(serving).await.unwrap();
    let told = async {
        while host.messenger.serving() != addresses {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), told).await.unwrap();
}
