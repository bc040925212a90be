//! Nodes that nobody configured, found by DNS, peer exchange and discv5, over real sockets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use sotto_net::service::{self, StartError};
use sotto_net::{Command, Discv5Config, Event, KnownNode, NodeConfig, NodeKey, PublishOutcome, Published, Source};
use sotto_wire::waku::{self, PeerExchangeResponse, PeerExchangeRpc, PeerInfo, protocol};
use support::peer::{Muxer, Peer};
use support::tree::{Server, Tree, nobody, record};
use support::{Archive, Client, Node, TOPIC, net_config, node_config};

fn port(address: &str) -> u16 {
    address.split('/').nth(4).unwrap().parse().unwrap()
}

/// A running node and its record.
async fn node(config: NodeConfig) -> (Node, Vec<u8>) {
    let key = NodeKey::generate();
    let bytes = key.to_bytes();
    let node = Node::start_with(config, key, Archive::default()).await;
    let record = record(&bytes, port(node.tcp()));
    (node, record)
}

/// Two nodes that relay for each other, and their records.
async fn pair() -> [(Node, Vec<u8>); 2] {
    let first = node(node_config()).await;
    let mut config = node_config();
    config.peers = vec![first.0.tcp().to_owned()];
    let mut second = node(config).await;
    second.0.relays(1).await;
    [first, second]
}

/// A message published in one circle arrives in the other.
async fn round_trip(client: &mut Client) {
    client.subscribe(&[TOPIC]).await;
    client.subscribed().await;
    client.publish(1, vec![7; 512]).await;
    let mut published = false;
    let mut received = false;
    client
        .until("a message round both circles", |event| {
            match event {
                Event::Published(Published { outcome, .. }) => {
                    assert_eq!(outcome, PublishOutcome::Relayed { peers: 1 });
                    published = true;
                }
                Event::Message(message) => {
                    assert_eq!(message.payload, [7; 512]);
                    received = true;
                }
                _ => {}
            }
            (published && received).then_some(())
        })
        .await;
}

/// All entries of the peer book until the client's end.
async fn book(mut client: Client) -> Vec<KnownNode> {
    client.send(Command::Close).await;
    client.until("the end", |event| (event == Event::Closed).then_some(())).await;
    client.book.into_values().collect()
}

#[tokio::test]
async fn one_tree_is_enough_and_is_not_needed_again() {
    let [(_first, one), (_second, two)] = pair().await;
    let mut tree = Tree::new(1, "nodes.example.org");
    tree.fill(&[one, two], &[]);
    let mut config = net_config(&[]);
    config.dns_trees = vec![tree.url().to_string()];
    let server = Server::start(vec![tree]).await;
    config.dns_servers = vec![server.address.clone()];
    let mut client = Client::start(config);
    round_trip(&mut client).await;
    assert_eq!(server.count(), 5, "root, two branches, two records");
    let known = book(client).await;
    // All names of the tree are on this device. No node confirmed to have received the publish node's messages.
    assert!(known.iter().all(|node| {
        let of_use = u32::from(node.circle == 1);
        node.source == Source::Inside && node.successes == of_use && node.answered_s > 0
    }));

    // Another run, without the tree.
    let mut config = net_config(&[]);
    config.book = known;
    let mut client = Client::start(config);
    round_trip(&mut client).await;
}

#[tokio::test]
async fn a_node_names_another() {
    let (mut second, two) = node(node_config()).await;
    let mut config = node_config();
    config.peers = vec![second.tcp().to_owned()];
    config.records = vec![two];
    let (first, _) = node(config).await;
    second.relays(1).await;
    let mut client = Client::start(net_config(&[first.tcp()]));
    // One node alone cannot serve two circles.
    round_trip(&mut client).await;
    let known = book(client).await;
    let named: Vec<_> = known.iter().filter(|node| node.source == Source::Inside).collect();
    assert_eq!(named.len(), 1);
    assert!(named[0].answered_s > 0 && named[0].circle == 0, "{named:?}");
}

/// Of the nodes that a peer names, only signed ones count, up to the peer's share.
#[tokio::test]
async fn forged_records_are_no_nodes() {
    let [_first, (_second, two)] = pair().await;
    let mut records: Vec<Vec<u8>> = (0..80).map(|n| nobody(n + 1)).collect();
    for (n, record) in records.iter_mut().enumerate() {
        record[5 + n % 60] ^= 1; // in the signature
    }
    records.insert(40, two);
    let infos = records.into_iter().map(|enr| PeerInfo { enr: Some(enr) });
    let answer = waku::encode_framed(&PeerExchangeRpc {
        query: None, // as go has it
        response: Some(PeerExchangeResponse { peer_infos: infos.collect(), status_code: None, status_desc: None }),
    });
    let script: support::peer::Script = Arc::new(move |_, _| answer.clone());
    let ok = waku::encode_framed(&waku::FilterSubscribeResponse {
        request_id: Some("x".into()),
        status_code: Some(200),
        status_desc: None,
    });
    let filter: support::peer::Script = Arc::new(move |_, _| ok.clone());
    let scripts = vec![(protocol::PEER_EXCHANGE, script), (protocol::FILTER_SUBSCRIBE, filter)];
    let liar = Peer::start(Muxer::Yamux, scripts).await;
    let mut client = Client::start(net_config(&[&liar.address]));
    client.subscribe(&[TOPIC]).await;
    client.subscribed().await;
    client.publish(1, vec![1; 512]).await;
    let (outcome, ..) = client.published().await;
    assert!(matches!(outcome, PublishOutcome::Relayed { .. }), "{outcome:?}");
    let known = book(client).await;
    assert_eq!(known.len(), 2, "{known:?}");
}

/// A node that searches by discv5.
async fn seeker(bootstrap: &[&str]) -> Node {
    let mut config = node_config();
    config.discovery = Some(Discv5Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        bootstrap: bootstrap.iter().map(|record| (*record).to_owned()).collect(),
    });
    Node::start(config).await
}

#[tokio::test]
async fn three_nodes_find_each_other_from_one_record() {
    let mut first = seeker(&[]).await;
    let record = first.record.clone().unwrap();
    let mut second = seeker(&[&record]).await;
    let mut third = seeker(&[&record]).await;
    for node in [&mut first, &mut second, &mut third] {
        node.relays(2).await;
    }
    // A light client that knows one of them learns the others.
    let mut client = Client::start(net_config(&[second.tcp()]));
    client.subscribe(&[TOPIC]).await;
    client.subscribed().await;
    client.publish(1, vec![7; 512]).await;
    client.until("a message through the mesh", |event| matches!(event, Event::Message(_)).then_some(())).await;
    let known = book(client).await;
    assert_eq!(known.len(), 3, "{known:?}");
}

/// A discv5 node of Waku's with nothing else behind it.
async fn signpost() -> discv5::Discv5 {
    use discv5::{ConfigBuilder, Discv5, ListenConfig, ProtocolIdentity};
    let key = enr::CombinedKey::generate_secp256k1();
    let udp = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let (shards, value) = waku::ShardSet::new(66, vec![0]).unwrap().to_value();
    let record = discv5::Enr::builder()
        .ip4(std::net::Ipv4Addr::LOCALHOST)
        .udp4(udp.local_addr().unwrap().port())
        .tcp4(1)
        .add_value(shards, &value.as_slice())
        .add_value("waku2", &[0x0f_u8].as_slice())
        .build(&key)
        .unwrap();
    let listen = ListenConfig::FromSockets { ipv4: Some(Arc::new(udp)), ipv6: None };
    let mut config = ConfigBuilder::new(listen);
    config.protocol_identity(ProtocolIdentity { protocol_id: *b"d5waku", protocol_version: [0, 1] });
    let mut discv5 = Discv5::new(record, key, config.build()).unwrap();
    discv5.start().await.unwrap();
    discv5
}

/// From the only record of a tree, whose node does not relay; and only in relay mode.
#[tokio::test]
async fn a_phone_that_relays_finds_others_by_discv5_and_is_listed_nowhere() {
    let signpost = signpost().await;
    let mut events = signpost.event_stream().await.unwrap();
    let mut asked_by = || {
        let events = std::iter::from_fn(|| events.try_recv().ok());
        let asking = events.filter_map(|event| match event {
            discv5::Event::SessionEstablished(record, _) => Some(record),
            _ => None,
        });
        asking.collect::<Vec<_>>()
    };
    let record = signpost.local_enr();
    let mut tree = Tree::new(1, "nodes.example.org");
    tree.fill(&[alloy_rlp::encode(&record)], &[]);
    let mut config = net_config(&[]);
    config.dns_trees = vec![tree.url().to_string()];
    config.timing.discover = Duration::from_millis(100);
    let server = Server::start(vec![tree]).await;
    config.dns_servers = vec![server.address.clone()];
    let phone = Client::start(config);
    phone.subscribe(&[TOPIC]).await;
    support::soon("the tree is read again", async {
        while server.count() < 6 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert!(asked_by().is_empty(), "light: no UDP");

    let mut node = seeker(&[&record.to_base64()]).await;
    phone.send(Command::Relay(true)).await;
    node.relays(1).await;
    let listed = signpost.table_entries_enr();
    assert_eq!(listed.len(), 1);
    assert_eq!(Some(listed[0].to_base64()), node.record);
    let mut asked_by = asked_by();
    asked_by.retain(|record| *record != listed[0]);
    assert!(!asked_by.is_empty(), "the phone");
    for record in asked_by {
        let said: Vec<_> = record.iter().map(|(key, _)| key.as_slice()).collect();
        assert_eq!(said, [&b"id"[..], b"secp256k1"]);
    }
}

/// The same port, another protocol: a network that is not Waku's gets nothing from us.
#[tokio::test]
async fn other_discv5_networks_are_not_ours() {
    use discv5::{ConfigBuilder, Discv5, ListenConfig};
    let key = enr::CombinedKey::generate_secp256k1();
    let udp = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = udp.local_addr().unwrap().port();
    let record = discv5::Enr::builder()
        .ip4(std::net::Ipv4Addr::LOCALHOST)
        .udp4(port)
        .add_value("waku2", &[1_u8].as_slice())
        .build(&key)
        .unwrap();
    let listen = ListenConfig::FromSockets { ipv4: Some(Arc::new(udp)), ipv6: None };
    let mut other = Discv5::new(record.clone(), key, ConfigBuilder::new(listen).build()).unwrap();
    other.start().await.unwrap();
    let node = seeker(&[&record.to_base64()]).await;
    other.add_enr(node.record.clone().unwrap().parse().unwrap()).unwrap();
    let found = other.find_node(enr::NodeId::random()).await.unwrap();
    assert!(found.is_empty() && other.connected_peers() == 0);
}

#[tokio::test]
async fn what_discv5_cannot_begin_with() {
    let config = |listen: &str, bootstrap: &str| {
        let mut config = node_config();
        config.discovery = Some(Discv5Config { listen: listen.parse().unwrap(), bootstrap: vec![bootstrap.into()] });
        service::start(config, NodeKey::generate()).err()
    };
    let bad = config("127.0.0.1:0", "enr:AAAA");
    assert!(matches!(bad, Some(StartError::Bootstrap(0))));
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut same = node_config();
    same.discovery = Some(Discv5Config { listen: address.parse().unwrap(), bootstrap: Vec::new() });
    let bad = service::start(same, NodeKey::generate()).err();
    assert!(matches!(bad, Some(StartError::Udp(_))));
}

/// Behind NAT or in a container a node cannot know its public address.
#[tokio::test]
async fn what_is_announced_takes_the_place_of_where_it_listens() {
    let plain = "/ip4/203.0.113.7/tcp/60000";
    let named = "/dns4/node.example.org/tcp/443/wss";
    let mut config = node_config();
    config.announce = vec![named.into(), plain.into()];
    config.discovery = Some(Discv5Config { listen: "0.0.0.0:0".parse().unwrap(), bootstrap: Vec::new() });
    let node = Node::start(config).await;
    let record: discv5::Enr = node.record.clone().unwrap().parse().unwrap();
    let ip = "203.0.113.7".parse().unwrap();
    assert_eq!((record.ip4(), record.tcp4()), (Some(ip), Some(60000)));
    assert!(record.udp4().is_some());
    let mut value = record.get_raw_rlp("multiaddrs").unwrap();
    let value = alloy_rlp::Header::decode_bytes(&mut value, false).unwrap();
    let others = waku::split_addresses(value).unwrap();
    let named_bytes = named.parse::<libp2p::Multiaddr>().unwrap().to_vec();
    assert_eq!(others, [named_bytes.as_slice()]);

    let mut peer = Peer::start(Muxer::Yamux, vec![]).await;
    peer.dial(node.tcp()).await;
    let told = support::soon("identify", peer.told.recv()).await.unwrap();
    let mut told: Vec<String> = told.iter().map(ToString::to_string).collect();
    told.sort();
    assert_eq!(told, [named, plain]);
}

#[tokio::test]
async fn what_cannot_be_announced() {
    let start = |announce: &[&str]| {
        let mut config = node_config();
        config.announce = announce.iter().map(|&one| one.to_owned()).collect();
        service::start(config, NodeKey::generate()).err()
    };
    let good = "/ip4/203.0.113.7/tcp/1";
    for bad in [
        "here",
        "/ip4/0.0.0.0/tcp/1",
        "/ip6/::/tcp/1",
        "/ip4/203.0.113.7/tcp/0",
        "/ip4/203.0.113.7/udp/1",
        "/dnsaddr/example.org",
        "/ip4/203.0.113.7/tcp/1/p2p/16Uiu2HAmAR24Mbb6VuzoyUiGx42UenDkshENVDj4qnmmbabLvo31",
    ] {
        let error = start(&[good, bad]);
        assert!(matches!(error, Some(StartError::Announce(1))), "{bad}");
    }
    let error = start(&[good; 9]);
    assert!(matches!(error, Some(StartError::Announce(8))));
    assert!(start(&[good; 8]).is_none());
}

/// The nodes of a link are used by a client without nodes, and by nobody else.
#[tokio::test]
async fn a_link_changes_no_network_that_is_there() {
    let [(first, _), (second, _)] = pair().await;
    let named = || Command::AddNodes(vec![second.tcp().to_owned()]);
    let client = Client::start(net_config(&[first.tcp()]));
    client.send(named()).await;
    let known = book(client).await;
    assert!(known.len() == 1 && known[0].source == Source::Static, "{known:?}");

    let mut client = Client::start(net_config(&[]));
    client.send(named()).await;
    client.subscribe(&[TOPIC]).await;
    client.subscribed().await;
    let known = book(client).await;
    assert!(known.len() == 1 && known[0].source == Source::Invite, "{known:?}");
}

/// While no node works or is found, searches come with growing waits.
#[tokio::test]
async fn searches_in_vain_get_rarer() {
    let tree = Tree::new(1, "nodes.example.org");
    let mut config = net_config(&[]);
    config.dns_trees = vec![tree.url().to_string()];
    config.timing.discover = Duration::from_millis(100);
    let server = Server::start(Vec::new()).await;
    config.dns_servers = vec![server.address.clone()];
    let client = Client::start(config);
    // Nothing is searched before there is something to do.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(server.count(), 0);
    client.subscribe(&[TOPIC]).await;
    support::soon("a second search", async {
        while server.count() < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(server.count() <= 5, "{}", server.count());
}
