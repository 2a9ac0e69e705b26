//! A collector as people run it: the binary, in a folder of its own, on free ports.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tiltwise_core::snapshot::{SealedSnapshot, SnapshotContent};

pub const HERO: &str = r#"
[[experiment]]
key = "hero"
name = "Hero headline"
unit = "visitor"
control = "calm"
variants = [{ key = "calm", value = "Welcome" }, { key = "bold", value = "Save 20 % today" }]
policy = { kind = "fixed", weights = { calm = 0.5, bold = 0.5 } }
metric = { event = "signup", window = "30m" }
"#;

/// A folder with keys and experiments, and a collector that serves it.
pub struct Site {
    pub folder: TempDir,
    process: Option<Child>,
    pub public: String,
    pub admin: String,
}

impl Site {
    pub fn start() -> Self {
        Self::with(HERO)
    }

    pub fn with(experiments: &str) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("experiments.toml"), experiments).unwrap();
        let mut site = Self {
            folder,
            process: None,
            public: String::new(),
            admin: String::new(),
        };
        site.run(&["keys", "init"]);
        site.serve();
        site
    }

    /// Serves the folder (again).
    pub fn serve(&mut self) {
        let mut process = self
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
        self.public = address("public http://");
        self.admin = address("admin http://");
        self.process = Some(process);
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tiltwise"));
        command.args(arguments).current_dir(&self.folder);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn stop(&mut self) {
        let mut process = self.process.take().unwrap();
        Command::new("kill")
            .arg(process.id().to_string())
            .status()
            .unwrap();
        assert!(process.wait().unwrap().success());
    }

    pub fn request(&self, text: &str) -> (String, Vec<u8>) {
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

    /// Posts a binary batch; the answer's body.
    pub fn post(&self, batch: &[u8]) -> String {
        let mut stream = TcpStream::connect(&self.public).unwrap();
        let length = batch.len();
        let head = format!(
            "POST /v1/e HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
        );
        stream.write_all(&[head.as_bytes(), batch].concat()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Posts an action as the dashboard does.
    pub fn act(&self, action: &str) -> String {
        let token = fs::read_to_string(self.folder.path().join("keys/admin.token")).unwrap();
        let mut stream = TcpStream::connect(&self.admin).unwrap();
        let head = format!(
            "POST /v1/admin/actions HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{action}",
            token.trim(),
            action.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        answer
    }

    /// What the dashboard shows.
    pub fn state(&self) -> serde_json::Value {
        let url = format!("http://{}", self.admin);
        let output = self
            .command(&["status", "--json", "--url", &url])
            .output()
            .unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub fn snapshot(&self) -> (u64, SnapshotContent) {
        let (_, body) = self.request("GET /v1/snapshot HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let sealed = SealedSnapshot::decode(&body).unwrap();
        (sealed.version, SnapshotContent::decode(&sealed.content).unwrap())
    }

    /// A running collector takes up a new key within a second.
    pub fn wait_until_known(&self, key: &str) {
        let ask = format!(
            "POST /v1/e HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {key}\r\n\
             content-length: 13\r\n\r\n{{\"events\":[]}}"
        );
        let started = Instant::now();
        while !self.request(&ask).0.starts_with("HTTP/1.1 200") {
            assert!(
                started.elapsed() < Duration::from_secs(20),
                "the key was not taken up within 20 s"
            );
            thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn wait_for(&self, what: &str, ready: impl Fn(&SnapshotContent) -> bool) -> u64 {
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
