//! The examples of `docs/events.md`, run as they stand by the shell, with curl, against a collector.

use std::{env, path::Path, process::Command};

use crate::site::Site;

/// The shell blocks of the page, each with the answer that the page shows below it.
fn examples() -> Vec<(String, serde_json::Value)> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/events.md");
    let page = std::fs::read_to_string(page).unwrap();
    let blocks: Vec<(&str, &str)> = page
        .split("```")
        .skip(1)
        .step_by(2)
        .map(|block| block.split_once('\n').unwrap())
        .collect();
    blocks
        .windows(2)
        .filter(|pair| pair[0].0 == "sh" && pair[1].0 == "json")
        .map(|pair| (pair[0].1.to_owned(), serde_json::from_str(pair[1].1).unwrap()))
        .collect()
}

#[test]
fn every_documented_request_gets_the_documented_answer() {
    let site = Site::start();
    let key = site.run(&["keys", "server", "add", "shop-backend"]);
    site.wait_until_known(key.trim());
    let examples = examples();
    assert!(examples.len() >= 4, "only {} examples were found", examples.len());
    for (script, answer) in examples {
        let output = Command::new("sh")
            .args(["-euc", &script])
            .env("COLLECTOR", format!("http://{}", site.public))
            .env("TILTWISE_SERVER_KEY", key.trim())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        let said: serde_json::Value =
            serde_json::from_str(&said).unwrap_or_else(|_| panic!("{script}\nsaid: {said}\n{complaint}"));
        assert_eq!(said, answer, "{script}");
    }
}
