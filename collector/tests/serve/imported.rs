//! History through the binary's own doors: imported beside a running collector or before it starts, in the next snapshot,
//! taken back, and never in a result.

use std::fmt::Write;
use std::fs;

use tiltwise_core::context::{Context, ContextValue};
use tiltwise_core::decide::prepare;
use tiltwise_core::snapshot::SnapshotContent;

use crate::site::Site;

const HERO: &str = r#"
[[experiment]]
key = "hero"
control = "calm"
variants = [{ key = "calm" }, { key = "bold" }]
policy = { kind = "contextual", attributes = ["device"] }
metric = { event = "signup", window = "30m" }
"#;

/// On phones bold wins twice as often, on desks half as often.
fn past() -> String {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let mut text = "at,who,device,arm,won\n".to_owned();
    for i in 0..2_000u64 {
        let (device, arm) = (
            ["phone", "desk"][(i % 2) as usize],
            ["calm", "bold"][(i / 2 % 2) as usize],
        );
        let rate = if (device == "phone") == (arm == "bold") {
            4
        } else {
            2
        };
        let won = u8::from(i / 4 % 10 < rate);
        writeln!(text, "{},v{i},{device},{arm},{won}", now - 3 * 86_400 + i).unwrap();
    }
    text
}

const FLAGS: [&str; 9] = [
    "past.csv",
    "--time",
    "at",
    "--unit",
    "who",
    "--variant-column",
    "arm",
    "--outcome",
    "won",
];

fn import(site: &Site, choice: [&str; 2]) {
    fs::write(site.folder.path().join("past.csv"), past()).unwrap();
    let said = site.run(&[&["import"], &FLAGS[..], &choice].concat());
    assert!(said.contains("Imported for hero."), "{said}");
}

/// By a device: what an arm gets, and what is predicted of it.
fn decides(content: &SnapshotContent, device: &str, arm: usize) -> (f64, f64) {
    let mut context = Context::new();
    context.set("device", ContextValue::Text(device.to_owned()));
    let prepared = prepare(&content.experiments[0], &context, true).distribution;
    let predicted = prepared
        .predictions_micros
        .get(arm)
        .map_or(0.5, |&m| f64::from(m) / 1e6);
    (
        f64::from(prepared.propensities_q30[arm]) / f64::from(1 << 30),
        predicted,
    )
}

fn has_model(content: &SnapshotContent) -> bool {
    content.experiments[0].revision.attributes.len() == 1 && !content.experiments[0].model.slots.is_empty()
}

#[test]
fn an_import_beside_a_running_collector_moves_the_next_snapshot_and_can_be_taken_back() {
    let mut site = Site::start();
    fs::write(site.folder.path().join("experiments.toml"), HERO).unwrap();
    site.wait_for("the edit", |content| {
        content.experiments[0].revision.attributes.len() == 1
    });
    import(&site, ["--randomised", "calm=0.5,bold=0.5"]);
    site.wait_for("the history", has_model);
    let content = site.snapshot().1;
    let ((phone, predicted), (desk, _)) = (decides(&content, "phone", 1), decides(&content, "desk", 1));
    assert!(phone > 0.7 && desk < 0.3, "phone {phone}, desk {desk}");
    assert!((predicted - 0.4).abs() < 0.05, "{predicted}");

    // It is listed, and no result knows of it.
    let state = site.state();
    let shown = &state["experiments"][0];
    assert_eq!(
        (&shown["units"]["provisional"], &shown["units"]["matured"]),
        (&0.into(), &0.into())
    );
    assert_eq!(shown["history"][0]["decisions"], 2_000, "{state}");
    // A fifth of what it had within one window of half an hour.
    assert_eq!(shown["history"][0]["countsAs"], 360.0, "{state}");
    let url = format!("http://{}", site.admin);
    for command in ["status", "results"] {
        let said = site.run(&[command, "--url", &url]);
        assert!(
            said.contains("2000 visitors from past.csv (at random, calm 50 %, bold 50 %) counted as 360"),
            "{said}"
        );
    }
    assert!(site.run(&["import", "--forget", "hero"]).contains("1 import"));
    site.wait_for("forgetting", |content| !has_model(content));
    assert_eq!(site.state()["experiments"][0].get("history"), None);

    // While nothing runs: the next start begins with it.
    site.stop();
    import(&site, ["--randomised", "calm=0.5,bold=0.5"]);
    site.serve();
    assert!(has_model(&site.snapshot().1), "the first snapshot has it");
    assert!(decides(&site.snapshot().1, "phone", 1).0 > 0.7);
    site.stop();
    let digests = site.run(&["rebuild", "--json"]);
    assert!(
        digests.contains("\"digests\":[]"),
        "no sum has heard of it: {digests}"
    );
}

#[test]
fn the_history_of_one_variant_moves_predictions_and_no_choice() {
    let site = Site::start();
    fs::write(site.folder.path().join("experiments.toml"), HERO).unwrap();
    site.wait_for("the edit", |content| {
        content.experiments[0].revision.attributes.len() == 1
    });
    let calm: String = past()
        .lines()
        .filter(|line| !line.contains(",bold,"))
        .map(|line| format!("{line}\n"))
        .collect();
    fs::write(site.folder.path().join("calm.csv"), calm).unwrap();
    let said = site.run(&[&["import", "calm.csv"], &FLAGS[1..], &["--only-variant", "calm"]].concat());
    assert!(
        said.contains("predictions of all variants alike; no choice between them"),
        "{said}"
    );
    site.wait_for("the history", has_model);
    let content = site.snapshot().1;
    for (device, rate) in [("phone", 0.2), ("desk", 0.4)] {
        for arm in 0..2 {
            let (share, predicted) = decides(&content, device, arm);
            assert!((share - 0.5).abs() < 1e-6, "{device} {arm} {share}");
            assert!((predicted - rate).abs() < 0.03, "{device} {arm} {predicted}");
        }
    }
}

#[test]
fn a_damaged_import_is_said_and_not_used() {
    let site = Site::start();
    import(&site, ["--randomised", "calm=0.5,bold=0.5"]);
    let folder = site.folder.path().join("data/history");
    let file = fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let mut bytes = fs::read(&file).unwrap();
    bytes[40] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let started = std::time::Instant::now();
    loop {
        let state = site.state();
        if state["health"]["messages"]
            .to_string()
            .contains("this history is damaged")
        {
            break;
        }
        assert!(started.elapsed().as_secs() < 20, "{state}");
    }
}
