//! The examples of `docs/events.md` and `docs/history.md`, run as they stand by the shell, against a collector.

use std::{env, fs, path::Path, process::Command};

use crate::site::Site;

/// The blocks of a page, each with its kind.
fn blocks(page: &str) -> Vec<(String, String)> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(page);
    let page = fs::read_to_string(page).unwrap();
    page.split("```")
        .skip(1)
        .step_by(2)
        .map(|block| block.split_once('\n').unwrap())
        .map(|(kind, text)| (kind.to_owned(), text.to_owned()))
        .collect()
}

/// The shell blocks of a page, each with the answer of this kind that the page shows below it.
fn examples(page: &str, answer: &str) -> Vec<(String, String)> {
    blocks(page)
        .windows(2)
        .filter(|pair| pair[0].0 == "sh" && pair[1].0 == answer)
        .map(|pair| (pair[0].1.clone(), pair[1].1.clone()))
        .collect()
}

#[test]
fn every_documented_request_gets_the_documented_answer() {
    let site = Site::start();
    let key = site.run(&["keys", "server", "add", "shop-backend"]);
    site.wait_until_known(key.trim());
    let examples = examples("events.md", "json");
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
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(said, answer, "{script}");
    }
}

#[test]
fn every_documented_import_says_what_is_documented() {
    let mut site = Site::start();
    let binary = Path::new(env!("CARGO_BIN_EXE_tiltwise")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), env::var("PATH").unwrap());
    let (kind, experiment) = blocks("history.md").remove(0);
    assert_eq!(kind, "toml");
    fs::write(site.folder.path().join("experiments.toml"), experiment).unwrap();
    let scripts = blocks("history.md")
        .iter()
        .filter(|(kind, _)| kind == "sh")
        .count();
    let examples = examples("history.md", "text");
    assert_eq!(examples.len(), scripts, "each example shows what it prints");
    for (script, answer) in examples {
        let output = Command::new("sh")
            .args(["-euc", &script])
            .env("PATH", &path)
            .current_dir(&site.folder)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(said, answer, "{script}\n{complaint}");
    }
    site.stop();
}
