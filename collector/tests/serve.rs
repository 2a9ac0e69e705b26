//! The binary as people run it: it takes up edits of the experiment file, keeps the last good one, shows its log, and ends
//! when told to.

// Helpers of tests are outside of test functions, where clippy allows no unwrap by itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use tempfile::TempDir;
use tiltwise_core::snapshot::{SealedSnapshot, SnapshotContent};

const HERO: &str = r#"
[[experiment]]
key = "hero"
name = "Hero headline"
unit = "visitor"
control = "calm"
variants = [{ key = "calm", value = "Welcome" }, { key = "bold", value = "Save 20 % today" }]
policy = { kind = "fixed", weights = { calm = 0.5, bold = 0.5 } }
metric = { event = "signup", window = "30m" }
"#;

struct Site {
    folder: TempDir,
    process: Option<Child>,
    public: String,
    admin: String,
}

impl Site {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("experiments.toml"), HERO).unwrap();
        let mut site = Self {
            folder,
            process: None,
            public: String::new(),
            admin: String::new(),
        };
        site.run(&["keys", "init"]);
        let mut process = site
            .command(&[
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--admin-listen",
                "127.0.0.1:0",
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut address = |name: &str| {
            said.next()
                .unwrap()
                .unwrap()
                .strip_prefix(name)
                .unwrap()
                .to_owned()
        };
        site.public = address("public http://");
        site.admin = address("admin http://");
        site.process = Some(process);
        site
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tiltwise"));
        command.args(arguments).current_dir(&self.folder);
        command
    }

    fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    fn stop(&mut self) {
        let mut process = self.process.take().unwrap();
        Command::new("kill")
            .arg(process.id().to_string())
            .status()
            .unwrap();
        assert!(process.wait().unwrap().success());
    }

    fn request(&self, text: &str) -> (String, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.public).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let head = answer
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .unwrap();
        let body = answer.split_off(head + 4);
        (String::from_utf8(answer).unwrap(), body)
    }

    fn snapshot(&self) -> (u64, SnapshotContent) {
        let (_, body) = self.request("GET /v1/snapshot HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let sealed = SealedSnapshot::decode(&body).unwrap();
        (sealed.version, SnapshotContent::decode(&sealed.content).unwrap())
    }

    fn wait_for(&self, what: &str, ready: impl Fn(&SnapshotContent) -> bool) -> u64 {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(20) {
            let (version, content) = self.snapshot();
            if ready(&content) {
                return version;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("{what} did not happen within 20 s");
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

#[test]
fn an_edit_is_published_within_a_second_or_two_and_a_broken_one_changes_nothing() {
    let site = Site::start();
    let (first, content) = site.snapshot();
    assert_eq!(content.experiments[0].revision.key, "hero");
    let file = site.folder.path().join("experiments.toml");
    fs::write(&file, HERO.replace("\"hero\"", "\"hero2\"")).unwrap();
    let second = site.wait_for("the edit", |content| {
        content.experiments[0].revision.key == "hero2"
    });
    assert!(second > first);
    fs::write(&file, "[[experiment]]\nkey = \"hero\"").unwrap();
    let started = Instant::now();
    let state = loop {
        let output = site
            .command(&["status", "--json", "--url", &format!("http://{}", site.admin)])
            .output()
            .unwrap();
        let state: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        if state["health"]["status"] == "degraded" || started.elapsed() > Duration::from_secs(20) {
            break state;
        }
    };
    assert!(
        state["health"]["messages"][0]
            .as_str()
            .unwrap()
            .contains("experiments.toml"),
        "{state}"
    );
    // The experiment goes on, and is shown as before its first visitor.
    let shown = &state["experiments"][0];
    assert_eq!(
        (&shown["key"], &shown["phase"], &shown["units"]["matured"]),
        (&json!("hero2"), &json!("running"), &json!(0))
    );
    assert_eq!(site.snapshot().0, second);
}

#[test]
fn the_log_is_shown_while_the_collector_runs_and_after_it_was_stopped() {
    let mut site = Site::start();
    let body = r#"{"events":[{"id":"e1","account":"ada","outcome":{"name":"purchase","value":49.9,"currency":"EUR"}}]}"#;
    let length = body.len();
    let (head, answer) = site.request(&format!(
        "POST /v1/e HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    ));
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(String::from_utf8(answer).unwrap().contains("\"accepted\":1"));
    let running = site.run(&["tail", "--admin-listen", &site.admin]);
    site.stop();
    let stopped = site.run(&["tail", "--admin-listen", "127.0.0.1:1"]);
    assert_eq!(running, stopped);
    let line: serde_json::Value = serde_json::from_str(&running).unwrap();
    assert_eq!(
        line["outcome"],
        json!({ "name": "purchase", "valueMicros": 49_900_000, "currency": "EUR" })
    );
    assert!(!running.contains("ada") && !running.contains("e1\""));
}
