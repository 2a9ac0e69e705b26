//! Whose stream it is: an address, known for as long as the stream is open, and written nowhere.
//!
//! A proxy in front of the collector has one address for everybody and says in a header for whom it asks. Anybody can write
//! such a header, so it is believed of `http.trusted_proxies` alone, and read from the right, where the nearest proxy has
//! written: the client is the first address that is no proxy's. What stands left of it the client may have made up.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::http::{HeaderMap, HeaderValue};
use ipnet::IpNet;

/// The other end of the connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub IpAddr);

const X_FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED: &str = "forwarded";

/// More proxies one behind the other than anybody has; the rest of a longer list is not read.
const MAX_HOPS: usize = 32;

/// An IPv6 network of one client: providers give out nothing smaller, and a client may use every address in it.
const CLIENT_BITS: u32 = 64;

/// The proxies that are believed.
#[derive(Debug, Clone)]
pub(super) struct Proxies(pub Vec<IpNet>);

impl Proxies {
    /// The client's address.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.trust(peer) {
            return peer;
        }
        let told = |name, read: fn(&str) -> Option<IpAddr>| {
            let told = headers.contains_key(name);
            told.then(|| self.nearest(peer, hops(headers, name).map(|hop| hop.and_then(read))))
        };
        match (told(X_FORWARDED_FOR, address), told(FORWARDED, forwarded_for)) {
            (Some(client), None) | (None, Some(client)) => client,
            // A proxy writes one of them and lets the other pass as the client made it.
            (Some(one), Some(other)) if one == other => one,
            _ => peer,
        }
    }

    /// Whether everybody behind a proxy is taken for one client, because nobody has named the proxy.
    pub(super) fn miss(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        let is_near = match peer.to_canonical() {
            IpAddr::V4(v4) => v4.is_loopback() || v4.is_private(),
            IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local(),
        };
        let says = headers.contains_key(X_FORWARDED_FOR) || headers.contains_key(FORWARDED);
        is_near && says && !self.trust(peer.to_canonical())
    }

    /// The first hop that is no proxy's. What cannot be read ends the list: who wrote it is the last that is known.
    fn nearest(&self, peer: IpAddr, hops: impl Iterator<Item = Option<IpAddr>>) -> IpAddr {
        let mut client = peer;
        for hop in hops.take(MAX_HOPS) {
            let Some(hop) = hop else { break };
            client = hop;
            if !self.trust(hop) {
                break;
            }
        }
        client
    }

    fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// The elements of a list in a header, the last one first.
fn hops<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = Option<&'a str>> {
    let lines: Vec<&HeaderValue> = headers.get_all(name).iter().collect();
    let elements = |line: &'a HeaderValue| {
        let list = line.to_str().ok();
        let elements = list.into_iter().flat_map(|list| list.rsplit(',')).map(Some);
        elements.chain(list.is_none().then_some(None))
    };
    lines.into_iter().rev().flat_map(elements)
}

/// An address, with or without a port, in brackets or quotes or none.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let alone = bare.unwrap_or(text).parse().ok();
    let address = alone.or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

/// What an element of `Forwarded` says of `for`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    address(value)
}

/// How many streams each client has open.
#[derive(Debug, Default)]
pub(super) struct Places(Mutex<HashMap<IpAddr, usize>>);

impl Places {
    /// A place for one more of this client's; nothing where it has so many already.
    pub(super) fn take(self: &Arc<Self>, client: IpAddr, most: usize) -> Option<Place> {
        let network = network(client);
        let mut taken = self.lock();
        let count = taken.entry(network).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Place {
            places: self.clone(),
            network,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One place, until it is dropped; with its last one a client is forgotten.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    network: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        if let Some(count) = taken.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.network);
            }
        }
    }
}

/// What one client has for itself.
fn network(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V4(_) => client,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> CLIENT_BITS << CLIENT_BITS).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies() -> Proxies {
        Proxies(vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()])
    }

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        headers
    }

    fn client(peer: &str, lines: &[(&'static str, &'static str)]) -> String {
        let peer = peer.parse().unwrap();
        proxies().client(peer, &headers(lines)).to_string()
    }

    #[test]
    fn a_stranger_is_who_it_is_whatever_it_says() {
        let says = [("x-forwarded-for", "1.1.1.1"), ("forwarded", "for=1.1.1.1")];
        assert_eq!(client("203.0.113.9", &says), "203.0.113.9");
        assert_eq!(client("::ffff:203.0.113.9", &[]), "203.0.113.9");
    }

    #[test]
    fn behind_proxies_the_client_is_the_first_from_the_right_that_is_none() {
        let list = |list| client("10.0.0.1", &[("x-forwarded-for", list)]);
        assert_eq!(list("203.0.113.9"), "203.0.113.9");
        assert_eq!(list("6.6.6.6, 203.0.113.9"), "203.0.113.9");
        assert_eq!(list("6.6.6.6, 203.0.113.9, 10.0.0.2"), "203.0.113.9");
        assert_eq!(list("203.0.113.9:4711,10.0.0.2:80"), "203.0.113.9");
        assert_eq!(list("[2001:db8::1]:4711"), "2001:db8::1");
        assert_eq!(
            client("fd00::1", &[("x-forwarded-for", "2001:db8::1")]),
            "2001:db8::1"
        );
        // All are proxies: the farthest of them asks for itself.
        assert_eq!(list("10.0.0.3, 10.0.0.2"), "10.0.0.3");
    }

    #[test]
    fn lines_of_one_header_are_one_list() {
        let lines = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "203.0.113.9")];
        assert_eq!(client("10.0.0.1", &lines), "203.0.113.9");
    }

    #[test]
    fn what_cannot_be_read_ends_the_list_at_who_wrote_it() {
        for garbage in ["", "unknown", "6.6.6.6, _hidden", "6.6.6.6, \u{e9}", "6.6.6.6,,"] {
            assert_eq!(
                client("10.0.0.1", &[("x-forwarded-for", garbage)]),
                "10.0.0.1",
                "{garbage}"
            );
        }
        let list = "6.6.6.6, nobody, 10.0.0.2";
        assert_eq!(client("10.0.0.1", &[("x-forwarded-for", list)]), "10.0.0.2");
    }

    #[test]
    fn the_standard_header_is_read_alike() {
        let list = |list| client("10.0.0.1", &[("forwarded", list)]);
        assert_eq!(list("for=203.0.113.9"), "203.0.113.9");
        assert_eq!(
            list("for=6.6.6.6, proto=https;For=\"[2001:db8::1]:4711\""),
            "2001:db8::1"
        );
        assert_eq!(list("for=203.0.113.9;by=10.0.0.2, for=10.0.0.2"), "203.0.113.9");
        assert_eq!(list("for=6.6.6.6, by=10.0.0.2"), "10.0.0.1");
    }

    #[test]
    fn of_two_headers_that_differ_neither_is_believed() {
        let both = |x, forwarded| client("10.0.0.1", &[("x-forwarded-for", x), ("forwarded", forwarded)]);
        assert_eq!(both("203.0.113.9", "for=203.0.113.9"), "203.0.113.9");
        assert_eq!(both("203.0.113.9", "for=6.6.6.6"), "10.0.0.1");
    }

    #[test]
    fn a_proxy_near_by_that_nobody_has_named_is_missed() {
        let says = headers(&[("x-forwarded-for", "203.0.113.9")]);
        let missed = |peer: &str, headers| proxies().miss(peer.parse().unwrap(), headers);
        assert!(missed("127.0.0.1", &says) && missed("192.168.1.1", &says));
        assert!(!missed("10.0.0.1", &says), "it is named");
        assert!(!missed("203.0.113.9", &says), "a stranger may say what it likes");
        assert!(!missed("127.0.0.1", &HeaderMap::new()));
    }

    #[test]
    fn a_client_has_so_many_places_and_is_forgotten_with_the_last() {
        let places = Arc::new(Places::default());
        let [one, other] = ["203.0.113.9", "203.0.113.10"].map(|a| a.parse().unwrap());
        let held: Vec<_> = (0..2).map(|_| places.take(one, 2).unwrap()).collect();
        assert!(places.take(one, 2).is_none());
        assert!(places.take(other, 2).is_some());
        drop(held);
        assert!(places.lock().is_empty());
    }

    #[test]
    fn all_addresses_of_an_ipv6_network_are_one_client() {
        let places = Arc::new(Places::default());
        let [one, same, other] =
            ["2001:db8::1", "2001:db8::ff:1", "2001:db8:0:1::1"].map(|a| a.parse().unwrap());
        let _held = places.take(one, 1).unwrap();
        assert!(places.take(same, 1).is_none());
        assert!(places.take(other, 1).is_some());
    }
}
