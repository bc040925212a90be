//! The DNS servers to ask: the configured ones, else the system's.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ProtocolConfig, ResolverConfig, ResolverOpts};

/// The servers of a configuration, IP addresses with optional port; [`is_server`] has refused other entries before.
pub(crate) fn servers(texts: &[String]) -> Vec<NameServerConfig> {
    let server = |text: &String| {
        let (ip, port) = address(text)?;
        let connections = [ProtocolConfig::Udp, ProtocolConfig::Tcp].map(|protocol| {
            let mut connection = ConnectionConfig::new(protocol);
            connection.port = port;
            connection
        });
        Some(NameServerConfig::new(ip, true, connections.to_vec()))
    };
    texts.iter().filter_map(server).collect()
}

pub(crate) fn is_server(text: &str) -> bool {
    address(text).is_some()
}

fn address(text: &str) -> Option<(IpAddr, u16)> {
    if let Ok(ip) = text.parse() {
        return Some((ip, 53));
    }
    let socket: SocketAddr = text.parse().ok()?;
    Some((socket.ip(), socket.port())).filter(|(_, port)| *port != 0)
}

/// The resolver settings for these servers; without any, the system's configuration, which is read only now.
pub(crate) fn resolver(servers: &[NameServerConfig]) -> io::Result<(ResolverConfig, ResolverOpts)> {
    if servers.is_empty() {
        return system_resolver();
    }
    let mut options = ResolverOpts::default();
    options.timeout = Duration::from_secs(3);
    options.attempts = 2;
    let config = ResolverConfig::from_parts(None, Vec::new(), servers.to_vec());
    Ok((config, options))
}

#[cfg(not(target_os = "android"))]
fn system_resolver() -> io::Result<(ResolverConfig, ResolverOpts)> {
    hickory_resolver::system_conf::read_system_conf().map_err(io::Error::other)
}

/// Without a context of the app's virtual machine the servers cannot be read, and trying would abort.
#[cfg(target_os = "android")]
fn system_resolver() -> io::Result<(ResolverConfig, ResolverOpts)> {
    Err(io::ErrorKind::Unsupported.into())
}
