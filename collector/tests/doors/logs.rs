//! What the collector says about itself names nobody.

use std::{
    io,
    sync::{Arc, Mutex},
};

use serde_json::json;
use tiltwise_collector::keys::servers::Kind;
use tracing_subscriber::fmt::MakeWriter;

use super::{
    client::{Events, get, post},
    fixture::{Collector, batch, content, exposed, exposure, outcome, visitor},
};

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[test]
fn no_log_line_holds_an_identifier_an_address_a_token_or_a_body() {
    let captured = Captured::default();
    // Everything that anybody could switch on, of this crate and of those it uses.
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(captured.clone())
        .init();
    let collector = Collector::start();
    let content = content();
    let version = collector.publish(&content);
    let canary = visitor(0x5a);
    let key = collector.keys.servers.add("shop", Kind::Server, 0).unwrap();
    let hex = hex::encode(canary.0);
    let page = batch(
        0,
        canary,
        &[
            exposed(exposure(&content, version, &canary)),
            outcome("own-event-id", None),
        ],
    );
    post(collector.public, "/v1/e", &[], &page);
    let server = json!({ "events": [
        { "id": "order-4711", "visitor": hex, "account": "ada@example", "outcome": { "name": "purchase", "id": "order-4711" } },
        { "id": "order-4711", "visitor": "broken-visitor", "outcome": { "name": "purchase" } },
    ]});
    let bearer = format!("Bearer {}", key.as_str());
    post(
        collector.public,
        "/v1/e",
        &[("authorization", &bearer)],
        server.to_string().as_bytes(),
    );
    post(
        collector.public,
        "/v1/e",
        &[("authorization", "Bearer wrong-canary")],
        b"body-canary",
    );
    post(collector.public, "/v1/e", &[], b"body-canary");
    get(
        collector.public,
        &format!(
            "/v1/postback?key={}&visitor={hex}&event=a&id=order-4711",
            key.as_str()
        ),
        &[],
    );
    // A proxy that nobody has named, and of which that is said.
    let proxied = [
        ("x-forwarded-for", "203.0.113.77"),
        ("forwarded", "for=203.0.113.77"),
    ];
    Events::open(collector.public, "/v1/stream", &proxied);
    let token = collector.token();
    let admin = [
        ("authorization", token.as_str()),
        ("content-type", "application/json"),
    ];
    post(
        collector.admin,
        "/v1/admin/erasures",
        &admin,
        json!({ "account": "ada@example" }).to_string().as_bytes(),
    );
    let text = String::from_utf8_lossy(&captured.0.lock().unwrap()).into_owned();
    assert!(text.contains("http.trusted_proxies does not name it"));
    let admin_token = collector.keys.admin.expose();
    for canary in [
        &hex,
        "ada@example",
        "order-4711",
        "own-event-id",
        "broken-visitor",
        "wrong-canary",
        "body-canary",
        key.as_str(),
        admin_token,
        "127.0.0.1",
        "203.0.113.77",
    ] {
        let line = text.lines().find(|line| line.contains(canary));
        assert_eq!(line, None, "{canary}");
    }
}
