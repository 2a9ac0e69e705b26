use serde_json::json;
use tiltwise_collector::log::EventLog;

use super::{
    client::{Events, get, post},
    fixture::{Collector, batch, content, outcome, visitor},
};

#[test]
fn every_admin_door_asks_for_the_token() {
    let collector = Collector::start();
    for path in [
        "/",
        "/metrics",
        "/v1/admin/state",
        "/v1/admin/stream",
        "/v1/admin/results",
        "/assets/x.js",
    ] {
        assert_eq!(get(collector.admin, path, &[]).status, 401, "{path}");
        assert_eq!(
            get(collector.admin, path, &[("authorization", "Bearer wrong")]).status,
            401,
            "{path}"
        );
    }
    for path in ["/v1/admin/session", "/v1/admin/actions", "/v1/admin/erasures"] {
        assert_eq!(post(collector.admin, path, &[], b"{}").status, 401, "{path}");
    }
    assert_eq!(
        get(
            collector.public,
            "/v1/admin/state",
            &[("authorization", &collector.token())]
        )
        .status,
        404
    );
    assert_eq!(get(collector.public, "/metrics", &[]).status, 404);
}

#[test]
fn a_one_time_address_opens_one_session_that_scripts_cannot_read() {
    let collector = Collector::start();
    let token = collector.token();
    let invitation = post(
        collector.admin,
        "/v1/admin/session",
        &[("authorization", &token)],
        b"",
    )
    .json();
    let url = invitation["url"].as_str().unwrap();
    let entered = get(collector.admin, url, &[]);
    let cookie = entered.header("set-cookie").unwrap().to_owned();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"),
        "{cookie}"
    );
    assert_eq!(get(collector.admin, url, &[]).status, 401);
    let session = cookie.split(';').next().unwrap();
    let page = get(collector.admin, "/", &[("cookie", session)]);
    assert_eq!(page.status, 200);
    assert!(
        page.header("content-security-policy")
            .unwrap()
            .starts_with("default-src 'none'")
    );
    assert_eq!(
        get(collector.admin, "/v1/admin/state", &[("cookie", session)]).status,
        200
    );
    assert_eq!(
        get(collector.admin, "/", &[("cookie", "tiltwise_session=0")]).status,
        401
    );
}

#[test]
fn a_session_obeys_only_its_own_pages() {
    let collector = Collector::start();
    let token = collector.token();
    let invitation = post(
        collector.admin,
        "/v1/admin/session",
        &[("authorization", &token)],
        b"",
    )
    .json();
    let cookie = get(collector.admin, invitation["url"].as_str().unwrap(), &[])
        .header("set-cookie")
        .unwrap()
        .to_owned();
    let session = cookie.split(';').next().unwrap();
    let own = format!("http://{}", collector.admin);
    let json = ("content-type", "application/json");
    let act = |origin: &str| {
        let headers = [("cookie", session), ("origin", origin), json];
        post(
            collector.admin,
            "/v1/admin/actions",
            &headers,
            br#"{"kind":"pause"}"#,
        )
        .status
    };
    assert_eq!((act(&own), act("https://evil.example")), (200, 403));
}

#[test]
fn the_state_has_what_the_dashboard_shows_and_comes_every_second() {
    let collector = Collector::start();
    let token = collector.token();
    let version = collector.publish(&content());
    post(
        collector.public,
        "/v1/e",
        &[],
        &batch(0, visitor(1), &[outcome("", None), b"\xff".to_vec()]),
    );
    let state = get(collector.admin, "/v1/admin/state", &[("authorization", &token)]).json();
    assert_eq!(
        (&state["site"], &state["model"]["version"]),
        (&json!("shop"), &json!(version.to_string()))
    );
    let health = &state["health"];
    assert_eq!(
        (&health["status"], &health["acceptedTotal"]),
        (&json!("ok"), &json!(1))
    );
    assert_eq!(health["rejected"], json!({ "malformed": 1 }));
    assert!(health["commitMs"]["p99"].as_f64().unwrap() > 0.0);
    let mut stream = Events::open(collector.admin, "/v1/admin/stream", &[("authorization", &token)]);
    for _ in 0..2 {
        assert_eq!(stream.next().unwrap().1["site"], "shop");
    }
}

#[test]
fn metrics_are_what_prometheus_reads() {
    let collector = Collector::start();
    collector.publish(&content());
    post(
        collector.public,
        "/v1/e",
        &[],
        &batch(0, visitor(1), &[outcome("", None)]),
    );
    let answer = get(
        collector.admin,
        "/metrics",
        &[("authorization", &collector.token())],
    );
    let text = String::from_utf8(answer.body).unwrap();
    for line in [
        "tiltwise_events_accepted_total 1",
        "tiltwise_snapshots_published_total 1",
        "tiltwise_commit_seconds_count 1",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[test]
fn an_erasure_leaves_a_mark_and_nothing_else_of_the_unit() {
    let collector = Collector::start();
    for (n, sequence) in [(1, 0), (2, 1), (1, 2)] {
        post(
            collector.public,
            "/v1/e",
            &[],
            &batch(sequence, visitor(n), &[outcome("", None), outcome("", None)]),
        );
    }
    let asked = json!({ "visitor": hex::encode(visitor(1).0) }).to_string();
    let token = collector.token();
    let headers = [
        ("authorization", token.as_str()),
        ("content-type", "application/json"),
    ];
    let answer = post(collector.admin, "/v1/admin/erasures", &headers, asked.as_bytes());
    assert_eq!(
        (answer.status, &answer.json()["recordsRewritten"]),
        (200, &json!(2))
    );
    let unit = collector
        .keys
        .pseudonyms
        .visitor(&visitor(1), collector.log.clock().now_ms())
        .unwrap();
    let left: Vec<bool> = collector
        .events()
        .iter()
        .map(|event| event.unit == unit)
        .collect();
    assert_eq!(left, [false, false, true]);
    let nobody = post(collector.admin, "/v1/admin/erasures", &headers, b"{}");
    assert_eq!(nobody.status, 400);
}

#[test]
fn an_action_that_is_wrong_says_what_is_wrong() {
    let collector = Collector::start();
    let token = collector.token();
    let headers = [
        ("authorization", token.as_str()),
        ("content-type", "application/json"),
    ];
    let answer = post(collector.admin, "/v1/admin/actions", &headers, b"{}");
    assert_eq!(
        (answer.status, &answer.json()["message"]),
        (422, &json!("an action needs a kind"))
    );
}

#[test]
fn a_policy_may_be_asked_for_and_one_that_is_none_is_refused_with_the_reason() {
    let collector = Collector::start();
    let token = collector.token();
    let ask = |query: &str| {
        get(
            collector.admin,
            &format!("/v1/admin/results?{query}"),
            &[("authorization", &token)],
        )
    };
    let even = ask("policy=calm%3D0.5%2Cbold%3D0.5");
    assert_eq!(
        (even.status, even.json()["asked"].as_str()),
        (200, Some("bold=0.5,calm=0.5"))
    );
    let wrong = ask("policy=calm%3D0.5");
    assert_eq!(wrong.status, 400);
    let why = String::from_utf8_lossy(&wrong.body);
    assert!(why.contains("come to 0.5"), "{why}");
    assert_eq!(ask("polcy=calm").status, 400);
}
