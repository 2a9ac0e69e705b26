//! Addresses, origins and prefixes: the settings of a listener.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use super::document::{Node, Value};
use super::setting::{Misfit, Setting};

/// The pages that may post events and read snapshots from another origin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Origins {
    /// Only pages of the collector's own origin.
    #[default]
    Own,
    /// `["*"]`: any page. Nothing that a browser would add by itself (a cookie) is ever read at the public door.
    Any,
    /// These, as browsers write them.
    These(Vec<String>),
}

impl Origins {
    /// Whether the `Origin` header's value may be answered with itself.
    pub fn allow(&self, origin: &str) -> bool {
        match self {
            Self::Own => false,
            Self::Any => true,
            Self::These(origins) => origins.iter().any(|known| known == origin),
        }
    }
}

impl Setting for Origins {
    fn read(node: &Node) -> Result<Self, Misfit> {
        let origins = Vec::<String>::read(node)?;
        match origins.iter().find(|origin| *origin != "*" && !is_origin(origin)) {
            Some(origin) => Err(Misfit::new(
                format!("holds \"{origin}\", which is no origin"),
                "Write scheme, host and port only, in lower case and without a slash at the end: \"https://shop.example\"",
            )),
            None if origins.iter().any(|origin| origin == "*") && origins.len() > 1 => Err(Misfit::new(
                "mixes \"*\" with origins",
                "Write [\"*\"] alone, or list the origins",
            )),
            None if origins.is_empty() => Ok(Self::Own),
            None if origins.iter().any(|origin| origin == "*") => Ok(Self::Any),
            None => Ok(Self::These(origins)),
        }
    }
}

/// A path before every public path: empty, or "/ab".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prefix(String);

impl Prefix {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Setting for Prefix {
    fn read(node: &Node) -> Result<Self, Misfit> {
        let text = String::read(node)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.' | '~');
        let good = text.is_empty()
            || (text.starts_with('/')
                && !text.ends_with('/')
                && !text.contains("//")
                && text.chars().all(plain));
        if good {
            Ok(Self(text))
        } else {
            Err(Misfit::new(
                "is no path prefix",
                "Write it like \"/ab\", or \"\" for none",
            ))
        }
    }
}

impl Setting for SocketAddr {
    fn read(node: &Node) -> Result<Self, Misfit> {
        let remedy =
            "Write an address with a port: \"127.0.0.1:8080\" (this machine) or \"0.0.0.0:8080\" (everybody)";
        let (Value::Text(text) | Value::Given(text)) = &node.value else {
            return Err(Misfit::new("is no address to listen on", remedy));
        };
        text.parse()
            .map_err(|_| Misfit::new("is no address to listen on", remedy))
    }
}

/// A network, or one address as a network of its own.
impl Setting for IpNet {
    fn read(node: &Node) -> Result<Self, Misfit> {
        let text = String::read(node)?;
        let network = text
            .parse()
            .or_else(|_| text.parse::<IpAddr>().map(Self::from))
            .map_err(|_| {
                Misfit::new(
                    format!("holds \"{text}\", which is no network"),
                    "Write addresses or networks: [\"10.0.0.0/8\"]",
                )
            })?;
        if network.prefix_len() == 0 {
            return Err(Misfit::new(
                format!("holds \"{text}\", which is everybody"),
                "Name the proxies alone: whoever is trusted may say that it is anybody",
            ));
        }
        if network != network.trunc() {
            return Err(Misfit::new(
                format!("holds \"{text}\", an address with the length of a network"),
                format!("Write \"{}\", or \"{}\"", network.trunc(), network.addr()),
            ));
        }
        Ok(network)
    }
}

/// As a browser sends it: scheme, host, and the port where it is not the scheme's own.
fn is_origin(text: &str) -> bool {
    let Some(host) = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
    else {
        return false;
    };
    let host_char =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | ':' | '[' | ']');
    !host.is_empty() && host.chars().all(host_char)
}
