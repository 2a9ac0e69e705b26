use std::{
    io::{BufReader, Write},
    time::{Duration, Instant},
};

use flate2::{Compression, write::GzEncoder};
use serde_json::json;
use tiltwise_collector::keys::servers::Kind;
use tiltwise_core::{
    event::{Fact, Quarantine},
    id::Tier,
};

use super::{
    client::{connect, get, post, read_head, request},
    fixture::{Collector, LIMITS, Setup, batch, content, exposed, exposure, outcome, visitor},
};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_binary_batch_is_durable_when_it_is_answered_and_known_when_it_comes_again() {
    let collector = Collector::start();
    let content = content();
    let version = collector.publish(&content);
    let body = batch(
        0,
        visitor(1),
        &[
            exposed(exposure(&content, version, &visitor(1))),
            outcome("", None),
        ],
    );
    // As a page posts it: no header that would ask for a preflight.
    let answer = post(
        collector.public,
        "/v1/e",
        &[("content-type", "text/plain")],
        &body,
    );
    assert_eq!((answer.status, answer.body.as_slice()), (200, &[][..]));
    let again = post(
        collector.public,
        "/v1/e",
        &[("content-type", "text/plain")],
        &body,
    );
    assert_eq!((again.status, again.body.as_slice()), (200, &[1, 1][..]));
    let events = collector.events();
    assert_eq!(events.len(), 2);
    assert!(
        events
            .iter()
            .all(|event| event.quarantine == Quarantine::None && event.tier == Tier::Page)
    );
}

#[test]
fn one_bad_event_never_fails_its_batch() {
    let collector = Collector::start();
    let body = batch(
        0,
        visitor(1),
        &[outcome("", None), b"\xff".to_vec(), outcome("", None)],
    );
    let answer = post(collector.public, "/v1/e", &[], &body);
    assert_eq!((answer.status, answer.body.as_slice()), (200, &[0, 2, 0][..]));
    assert_eq!(collector.events().len(), 2);
}

#[test]
fn json_events_get_a_verdict_each_and_count_once() {
    let collector = Collector::start();
    let hex = hex::encode(visitor(3).0);
    let body = json!({ "events": [
        { "id": "e1", "visitor": hex, "outcome": { "name": "purchase", "value": 49.9, "currency": "EUR", "id": "A-1" } },
        { "id": "e2", "visitor": hex, "outcome": { "name": "purchase", "value": 49.9, "currency": "eur" } },
        { "visitor": hex, "outcome": { "name": "signup" } },
        { "id": "e4", "outcome": { "name": "signup" } },
        { "id": "e5", "visitor": hex, "outcome": { "nmae": "signup" } },
        { "id": "e6", "visitor": hex, "account": "ada", "outcome": { "name": "signup" } },
    ]});
    let answer = post(collector.public, "/v1/e", &[], body.to_string().as_bytes());
    let verdicts = answer.json();
    assert_eq!((answer.status, &verdicts["accepted"]), (200, &json!(2)));
    let reasons: Vec<_> = verdicts["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["reason"].as_str().unwrap())
        .collect();
    assert_eq!(reasons, ["currency", "no-id", "no-unit", "malformed"]);
    let again = post(collector.public, "/v1/e", &[], body.to_string().as_bytes()).json();
    assert_eq!((&again["accepted"], &again["duplicate"]), (&json!(0), &json!(2)));
    // The last one is written under its visitor and under its account.
    assert_eq!(collector.events().len(), 3);
}

#[test]
fn a_json_exposure_is_the_same_event_as_a_binary_one() {
    let collector = Collector::start();
    let content = content();
    let version = collector.publish(&content);
    let x = exposure(&content, version, &visitor(4));
    let body = json!({
        "session": "09090909090909090909090909090909", "sequence": 0, "sentMs": "5",
        "visitor": hex::encode(visitor(4).0),
        "events": [{ "exposure": {
            "revision": x.revision.0.to_string(), "model": version.to_string(), "episode": x.episode, "arm": x.arm,
            "draw": x.draw, "slots": x.slots, "propensitiesQ30": x.propensities_q30,
            "predictionsMicros": x.predictions_micros, "variancesMicros": x.variances_micros,
        }}]
    });
    let answer = post(collector.public, "/v1/e", &[], body.to_string().as_bytes());
    assert_eq!(answer.json()["accepted"], 1, "{}", answer.json());
    let binary = post(
        collector.public,
        "/v1/e",
        &[],
        &batch(0, visitor(4), &[exposed(x)]),
    );
    assert_eq!(binary.body, [1]);
}

#[test]
fn a_forged_exposure_is_refused_or_kept_out_of_learning() {
    let collector = Collector::start();
    let content = content();
    let version = collector.publish(&content);
    let honest = exposure(&content, version, &visitor(5));
    let mut other_arm = honest.clone();
    other_arm.arm ^= 1;
    let mut other_draw = honest.clone();
    other_draw.draw ^= 1;
    let mut unknown_model = honest.clone();
    unknown_model.model += 1_000;
    let mut unknown_revision = honest.clone();
    unknown_revision.revision.0 += 1;
    let mut bent = honest.clone();
    bent.propensities_q30[honest.arm as usize] += 1_000;
    bent.propensities_q30[1 - honest.arm as usize] -= 1_000;
    let forged = [
        other_arm,
        other_draw,
        unknown_model,
        unknown_revision,
        bent,
        honest.clone(),
    ]
    .map(exposed);
    let answer = post(collector.public, "/v1/e", &[], &batch(0, visitor(5), &forged));
    assert_eq!(&answer.body[..4], [12, 12, 10, 11]);
    let kept: Vec<_> = collector.events().iter().map(|event| event.quarantine).collect();
    assert!(
        !kept.is_empty()
            && kept[..kept.len() - 1]
                .iter()
                .all(|quarantine| *quarantine == Quarantine::Disagrees)
    );
    assert_eq!(kept.last(), Some(&Quarantine::None));
    // In the log the draw is masked: it cannot be matched with a visitor's.
    let Fact::Exposure(logged) = &collector.events().last().unwrap().fact.clone() else {
        panic!()
    };
    assert_ne!(logged.draw, honest.draw);
}

#[test]
fn global_privacy_control_takes_the_attributes_and_keeps_the_event_out_of_learning() {
    let collector = Collector::start();
    let content = content();
    let version = collector.publish(&content);
    let body = batch(
        0,
        visitor(6),
        &[exposed(exposure(&content, version, &visitor(6)))],
    );
    post(collector.public, "/v1/e", &[("sec-gpc", "1")], &body);
    let events = collector.events();
    let Fact::Exposure(logged) = &events[0].fact else {
        panic!()
    };
    assert!(logged.slots.is_empty());
    assert_eq!(events[0].quarantine, Quarantine::Unpersonalized);
}

#[test]
fn gzip_is_taken_with_and_without_its_header() {
    let collector = Collector::start();
    let body = gzip(&batch(0, visitor(1), &[outcome("", None)]));
    assert_eq!(
        post(collector.public, "/v1/e", &[("content-encoding", "gzip")], &body).status,
        200
    );
    assert_eq!(post(collector.public, "/v1/e", &[], &body).body, [1]);
    assert_eq!(
        post(
            collector.public,
            "/v1/e",
            &[("content-encoding", "gzip")],
            b"no gzip"
        )
        .status,
        400
    );
}

#[test]
fn a_decompression_bomb_is_refused() {
    let collector = Collector::start();
    let bomb = gzip(&vec![b' '; 200_000_000]);
    assert!(bomb.len() < LIMITS.body_bytes);
    let answer = post(collector.public, "/v1/e", &[("content-encoding", "gzip")], &bomb);
    assert_eq!(
        (answer.status, answer.json()["error"].as_str()),
        (413, Some("inflates-too-large"))
    );
}

#[test]
fn a_body_over_the_limit_is_refused_whether_it_says_so_or_not() {
    let collector = Collector::start();
    let large = vec![b' '; LIMITS.body_bytes + 1];
    assert_eq!(post(collector.public, "/v1/e", &[], &large).status, 413);
    let mut stream = connect(collector.public);
    stream
        .write_all(b"POST /v1/e HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        .unwrap();
    let chunk = [
        format!("{:x}\r\n", large.len()).as_bytes(),
        &large,
        b"\r\n0\r\n\r\n",
    ]
    .concat();
    let _ = stream.write_all(&chunk);
    assert_eq!(read_head(&mut BufReader::new(stream)).0, 413);
}

#[test]
fn too_many_events_or_one_too_large_is_refused_with_a_reason() {
    let collector = Collector::start();
    let many = vec![outcome("", None); 501];
    assert_eq!(
        post(collector.public, "/v1/e", &[], &batch(0, visitor(1), &many)).status,
        400
    );
    let events: Vec<_> = (0..501)
        .map(|i| json!({ "id": i.to_string(), "outcome": { "name": "a" } }))
        .collect();
    let json = json!({ "events": events }).to_string();
    assert_eq!(post(collector.public, "/v1/e", &[], json.as_bytes()).status, 400);
    let large = [outcome("", None), vec![b'x'; 9_000]];
    assert_eq!(
        post(collector.public, "/v1/e", &[], &batch(0, visitor(1), &large)).body,
        [0, 3]
    );
}

#[test]
fn a_body_that_is_no_batch_gets_a_clear_answer() {
    let collector = Collector::start();
    for body in [&b""[..], b"hello", b"{\"evnets\": []}", b"\x0dTWB1\xff\xff"] {
        let answer = post(collector.public, "/v1/e", &[], body);
        assert_eq!(
            (answer.status, answer.json()["error"].as_str()),
            (400, Some("batch")),
            "{body:?}"
        );
    }
    let newer = [&b"\x0dTWB1"[..], &[0x10, 2]].concat();
    let answer = post(collector.public, "/v1/e", &[], &newer);
    assert!(
        answer.json()["message"]
            .as_str()
            .unwrap()
            .contains("upgrade this part first")
    );
}

#[test]
fn a_client_that_sends_a_byte_now_and_then_is_let_go() {
    let limits = tiltwise_collector::http::public::Limits {
        body_timeout: Duration::from_millis(300),
        ..LIMITS
    };
    let collector = Collector::with(Setup {
        limits,
        header_timeout: Duration::from_millis(300),
        ..Setup::default()
    });
    let started = Instant::now();
    // Headers that never end: the connection is closed.
    let mut slow = connect(collector.public);
    slow.write_all(b"POST /v1/e HTTP/1.1\r\nhost: x\r\nx-a: ")
        .unwrap();
    let mut rest = Vec::new();
    let _ = std::io::Read::read_to_end(&mut slow, &mut rest);
    // A body that never ends: the request is answered.
    let mut slow = connect(collector.public);
    slow.write_all(b"POST /v1/e HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nab")
        .unwrap();
    assert_eq!(read_head(&mut BufReader::new(slow)).0, 408);
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_body_in_pieces_is_the_body_in_one() {
    let collector = Collector::start();
    let content = content();
    let version = collector.publish(&content);
    let exposed = exposed(exposure(&content, version, &visitor(1)));
    let body = batch(0, visitor(1), &[exposed, outcome("", None)]);
    let mut client = connect(collector.public);
    let head = b"POST /v1/e HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    client.write_all(head).unwrap();
    for piece in body.chunks(7) {
        write!(client, "{:x}\r\n", piece.len()).unwrap();
        client.write_all(piece).unwrap();
        client.write_all(b"\r\n").unwrap();
    }
    client.write_all(b"0\r\n\r\n").unwrap();
    assert_eq!(read_head(&mut BufReader::new(client)).0, 200);
    assert_eq!(collector.events().len(), 2);
}

#[test]
fn more_batches_than_places_are_told_to_come_back() {
    let limits = tiltwise_collector::http::public::Limits {
        in_flight: 1,
        ..LIMITS
    };
    let collector = Collector::with(Setup {
        limits,
        ..Setup::default()
    });
    let mut inside = connect(collector.public);
    inside
        .write_all(b"POST /v1/e HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 10\r\n\r\n")
        .unwrap();
    // The collector asks for the body once the batch has its place.
    assert_eq!(read_head(&mut BufReader::new(inside.try_clone().unwrap())).0, 100);
    let answer = post(
        collector.public,
        "/v1/e",
        &[],
        &batch(0, visitor(1), &[outcome("", None)]),
    );
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
}

#[test]
fn a_server_key_raises_the_tier_and_a_revoked_one_is_refused() {
    let collector = Collector::start();
    let key = collector.keys.servers.add("checkout", Kind::Server, 0).unwrap();
    let bearer = format!("Bearer {}", key.as_str());
    let body =
        json!({ "events": [{ "id": "1", "account": "ada", "outcome": { "name": "purchase", "value": 5 } }] })
            .to_string();
    let authorized = [("authorization", bearer.as_str())];
    assert_eq!(
        post(collector.public, "/v1/e", &authorized, body.as_bytes()).json()["accepted"],
        1
    );
    assert_eq!(collector.events()[0].tier, Tier::Server);
    // The same from a page is an event of its own: only the join knows whom a metric believes.
    assert_eq!(
        post(collector.public, "/v1/e", &[], body.as_bytes()).json()["accepted"],
        1
    );
    collector.keys.servers.revoke("checkout").unwrap();
    assert_eq!(
        post(collector.public, "/v1/e", &authorized, body.as_bytes()).status,
        401
    );
    assert_eq!(collector.events().len(), 2);
}

#[test]
fn a_postback_counts_once_and_only_with_a_key() {
    let collector = Collector::start();
    let key = collector.keys.servers.add("ads", Kind::Server, 0).unwrap();
    let visitor = hex::encode(visitor(7).0);
    let path = |key: &str| {
        format!("/v1/postback?key={key}&visitor={visitor}&event=purchase&value=49.9&currency=EUR&id=A-1")
    };
    assert_eq!(get(collector.public, &path("wrong"), &[]).status, 401);
    assert_eq!(
        get(collector.public, &path(key.as_str()), &[]).json()["accepted"],
        1
    );
    assert_eq!(
        get(collector.public, &path(key.as_str()), &[]).json()["duplicate"],
        1
    );
    let Fact::Outcome(outcome) = &collector.events()[0].fact.clone() else {
        panic!()
    };
    assert_eq!(
        (outcome.value_micros, outcome.currency.as_str()),
        (49_900_000, "EUR")
    );
    assert_eq!(
        get(collector.public, "/v1/postback?event=purchase&id=1", &[]).status,
        401
    );
    assert_eq!(get(collector.public, "/v1/postback?value=x", &[]).status, 400);
}

#[test]
fn only_listed_origins_may_read_answers_and_never_with_credentials() {
    let collector = Collector::start();
    let body = batch(0, visitor(1), &[outcome("", None)]);
    let ours = post(
        collector.public,
        "/v1/e",
        &[("origin", "https://shop.example")],
        &body,
    );
    assert_eq!(
        ours.header("access-control-allow-origin"),
        Some("https://shop.example")
    );
    assert_eq!(ours.header("access-control-allow-credentials"), None);
    let foreign = post(
        collector.public,
        "/v1/e",
        &[("origin", "https://other.example")],
        &body,
    );
    assert_eq!(foreign.header("access-control-allow-origin"), None);
    let asked = [
        ("origin", "https://shop.example"),
        ("access-control-request-method", "POST"),
    ];
    let preflight = request(collector.public, "OPTIONS", "/v1/e", &asked, b"");
    assert_eq!(
        (preflight.status, preflight.header("access-control-max-age")),
        (200, Some("86400"))
    );
}
