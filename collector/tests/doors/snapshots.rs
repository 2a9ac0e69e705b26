use std::{
    io::{BufReader, Read, Write},
    thread,
    time::{Duration, Instant},
};

use tiltwise_collector::{http::public::Limits, keys::signing};
use tiltwise_core::snapshot::{SealedSnapshot, SnapshotContent};

use super::{
    client::{Answer, Events, connect, get, read_head},
    fixture::{Collector, LIMITS, Setup, content},
};

#[test]
fn the_newest_snapshot_is_signed_and_known_by_its_tag() {
    let collector = Collector::start();
    assert_eq!(get(collector.public, "/v1/snapshot", &[]).status, 503);
    assert_eq!(get(collector.public, "/readyz", &[]).status, 503);
    let version = collector.publish(&content());
    assert_eq!(get(collector.public, "/readyz", &[]).status, 200);
    let answer = get(collector.public, "/v1/snapshot", &[]);
    let sealed = SealedSnapshot::decode(&answer.body).unwrap();
    assert_eq!((sealed.version, sealed.site.as_str()), (version, "shop"));
    assert!(signing::verify(&collector.keys.signer.public_keys()[0], &sealed));
    assert_eq!(SnapshotContent::decode(&sealed.content).unwrap(), content());
    let tag = answer.header("etag").unwrap().to_owned();
    let same = get(collector.public, "/v1/snapshot", &[("if-none-match", &tag)]);
    assert_eq!((same.status, same.body.len()), (304, 0));
    collector.publish(&content());
    assert_eq!(
        get(collector.public, "/v1/snapshot", &[("if-none-match", &tag)]).status,
        200
    );
}

#[test]
fn content_is_found_by_its_hash_and_may_be_kept_forever() {
    let collector = Collector::start();
    collector.publish(&content());
    let hash = hex::encode(collector.hub.newest().unwrap().envelope.hash);
    let answer = get(collector.public, &format!("/v1/snapshots/{hash}"), &[]);
    assert_eq!(answer.body, content().encode());
    assert_eq!(
        answer.header("cache-control"),
        Some("public, max-age=31536000, immutable")
    );
    for unknown in ["00".repeat(32).as_str(), "x", "..%2f"] {
        assert_eq!(
            get(collector.public, &format!("/v1/snapshots/{unknown}"), &[]).status,
            404,
            "{unknown}"
        );
    }
}

#[test]
fn the_stream_tells_the_newest_at_once_and_then_every_newer_one() {
    let collector = Collector::start();
    let first = collector.publish(&content());
    let mut stream = Events::open(collector.public, "/v1/stream", &[]);
    assert!(
        stream
            .headers
            .contains(&("x-accel-buffering".to_owned(), "no".to_owned()))
    );
    let (name, told) = stream.next().unwrap();
    assert_eq!(
        (name.as_str(), told["version"].as_str().unwrap()),
        ("snapshot", first.to_string().as_str())
    );
    let sealed = SealedSnapshot::decode(&get(collector.public, "/v1/snapshot", &[]).body).unwrap();
    assert_eq!(told["signature"], hex::encode(&sealed.signature));
    assert_eq!(told["hash"], hex::encode(sealed.hash));
    let second = collector.publish(&content());
    assert_eq!(stream.next().unwrap().1["version"], second.to_string());
}

#[test]
fn a_reader_that_slept_is_told_the_latest_and_nothing_in_between() {
    let collector = Collector::start();
    let mut slow = collector.hub.watch();
    for _ in 0..10 {
        collector.publish(&content());
    }
    let last = collector.publish(&content());
    assert_eq!(slow.borrow_and_update().as_ref().unwrap().envelope.version, last);
    assert!(!slow.has_changed().unwrap());
}

#[test]
fn a_stream_too_many_is_refused_and_a_place_is_free_again_when_one_leaves() {
    let collector = Collector::start();
    collector.publish(&content());
    let open: Vec<Events> = (0..3)
        .map(|_| Events::open(collector.public, "/v1/stream", &[]))
        .collect();
    let refused = get(collector.public, "/v1/stream", &[]);
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("30")));
    assert_eq!(collector.metrics.stream_clients.get(), 3);
    drop(open);
    // The collector notices that a reader has left when it next has something to say.
    while collector.metrics.stream_clients.get() > 0 {
        collector.publish(&content());
        thread::sleep(Duration::from_millis(5));
    }
    Events::open(collector.public, "/v1/stream", &[]);
}

#[test]
fn one_address_cannot_take_all_streams_and_may_say_what_it_likes() {
    let limits = Limits {
        streams_per_address: 2,
        ..LIMITS
    };
    let collector = Collector::with(Setup {
        limits,
        ..Setup::default()
    });
    collector.publish(&content());
    let open = |client: &str| Events::open(collector.public, "/v1/stream", &[("x-forwarded-for", client)]);
    let _open = [open("203.0.113.1"), open("203.0.113.2")];
    let refused = get(
        collector.public,
        "/v1/stream",
        &[("x-forwarded-for", "203.0.113.3")],
    );
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("30")));
    assert_eq!(refused.json()["error"], "streams-of-one-address");
}

#[test]
fn behind_a_trusted_proxy_every_client_has_places_of_its_own() {
    let limits = Limits {
        streams_per_address: 1,
        ..LIMITS
    };
    let collector = Collector::with(Setup {
        limits,
        trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
        ..Setup::default()
    });
    collector.publish(&content());
    let open = |name, client: &str| Events::open(collector.public, "/v1/stream", &[(name, client)]);
    let _one = open("x-forwarded-for", "6.6.6.6, 203.0.113.1");
    let _other = open("forwarded", "for=203.0.113.2");
    let refused = get(
        collector.public,
        "/v1/stream",
        &[("x-forwarded-for", "7.7.7.7, 203.0.113.1")],
    );
    assert_eq!(refused.status, 429);
    let said = String::from_utf8(refused.body).unwrap();
    assert!(!said.contains("203.0.113"), "{said}");
}

#[test]
fn stopping_ends_the_streams_and_answers_what_is_in_flight() {
    let collector = Collector::start();
    collector.publish(&content());
    let mut stream = Events::open(collector.public, "/v1/stream", &[]);
    stream.next().unwrap();
    collector.stop();
    assert!(stream.next().is_none());
    let stopped = (0..200).any(|_| {
        thread::sleep(Duration::from_millis(10));
        std::net::TcpStream::connect(collector.public).is_err()
    });
    assert!(stopped);
}

#[test]
fn stopping_ends_a_connection_that_asks_for_nothing_at_once() {
    let collector = Collector::with(Setup {
        header_timeout: Duration::from_mins(1),
        ..Setup::default()
    });
    let mut idle = BufReader::new(connect(collector.public));
    for _ in 0..3 {
        idle.get_mut()
            .write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
            .unwrap();
        assert_eq!(read_head(&mut idle).0, 200);
        idle.read_exact(&mut [0; 3]).unwrap();
    }
    collector.stop();
    let told = Instant::now();
    assert_eq!(idle.read(&mut [0]).unwrap(), 0);
    assert!(told.elapsed() < Duration::from_secs(5));
}

#[test]
fn liveness_is_answered_whatever_the_state() {
    let collector = Collector::start();
    let Answer { status, body, .. } = get(collector.public, "/healthz", &[]);
    assert_eq!((status, body.as_slice()), (200, &b"ok\n"[..]));
    drop(connect(collector.admin));
}
