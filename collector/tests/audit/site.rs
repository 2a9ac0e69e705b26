//! A collector as people run it: the binary, with a folder of its own that outlives it, on free ports.

use std::{
    fs::{self, OpenOptions},
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant, UNIX_EPOCH},
};

use tempfile::TempDir;
use tiltwise_collector::{
    keys::Keys,
    log::{EmbeddedLog, LogClock, Options, Source},
    trainer::{Checkpoints, State},
};
use tiltwise_core::event::LogRecord;

const YEAR_MS: u64 = 395 * 86_400_000;

/// What was set up once, whoever serves it.
pub struct Site {
    pub folder: TempDir,
}

/// A collector that serves a site; killed where a test forgets it.
pub struct Collector {
    process: Child,
    said: BufReader<ChildStdout>,
    pub public: String,
    pub admin: String,
}

impl Site {
    pub fn new(settings: &str, experiments: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let listen = "[http]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n";
        fs::write(folder.path().join("tiltwise.toml"), format!("{listen}{settings}")).unwrap();
        fs::write(folder.path().join("experiments.toml"), experiments).unwrap();
        let site = Self { folder };
        site.run(&["keys", "init"]);
        site
    }

    /// Starts a collector, without waiting until it listens. What it says of itself is added to `collector.log`.
    pub fn spawn(&self) -> Collector {
        let log = self.folder.path().join("collector.log");
        let log = OpenOptions::new().create(true).append(true).open(log).unwrap();
        let mut process = self
            .command(&["serve"])
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let said = BufReader::new(process.stdout.take().unwrap());
        Collector {
            process,
            said,
            public: String::new(),
            admin: String::new(),
        }
    }

    /// Starts a collector and waits until it listens.
    pub fn start(&self) -> Collector {
        let mut collector = self.spawn();
        let mut address = |name: &str| {
            let mut line = String::new();
            collector.said.read_line(&mut line).unwrap();
            let address = line.trim().strip_prefix(name);
            address
                .unwrap_or_else(|| panic!("{line:?}\n{}", self.said()))
                .to_owned()
        };
        let (public, admin) = (address("public http://"), address("admin http://"));
        (collector.public, collector.admin) = (public, admin);
        collector
    }

    /// What collectors have said of themselves.
    pub fn said(&self) -> String {
        fs::read_to_string(self.folder.path().join("collector.log")).unwrap_or_default()
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

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn keys(&self) -> Keys {
        let folder = self.folder.path().join("keys");
        Keys::open(&folder, &folder.join("admin.token"), YEAR_MS).unwrap()
    }

    /// Everything in the log of a site that nobody serves, by offset.
    pub fn records(&self) -> Vec<(u64, LogRecord)> {
        let options = Options::at(self.data().join("log"));
        let log = EmbeddedLog::open(&options, LogClock::system(), Arc::default()).unwrap();
        log.read_from(log.first(), usize::MAX)
            .unwrap()
            .iter()
            .map(|record| (record.offset, LogRecord::decode(record.bytes()).unwrap()))
            .collect()
    }

    /// What the trainer last wrote down.
    pub fn checkpoint(&self) -> State {
        let checkpoints = Checkpoints::open(&self.data().join("state")).unwrap();
        let (newest, damaged) = checkpoints.newest().unwrap();
        assert!(damaged.is_empty(), "{damaged:?}");
        newest.unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tiltwise"));
        command.args(arguments).current_dir(&self.folder);
        command
    }
}

impl Collector {
    /// SIGKILL: no handler, no flush, no farewell.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// SIGTERM, without waiting for what follows.
    pub fn tell_to_stop(&self) {
        self.signal("-TERM");
    }

    pub fn signal(&self, signal: &str) {
        let id = self.process.id().to_string();
        let told = Command::new("kill").args([signal, &id]).status();
        assert!(told.unwrap().success());
    }

    pub fn stop(mut self) {
        self.tell_to_stop();
        assert!(self.process.wait().unwrap().success());
    }

    /// Whether the process ends by itself within this time.
    pub fn ends_within(&mut self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        while self.process.try_wait().unwrap().is_none() {
            if Instant::now() >= until {
                return false;
            }
            thread::yield_now();
        }
        true
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The machine's clock, as a page on it would read it.
pub fn now_ms() -> u64 {
    UNIX_EPOCH.elapsed().unwrap().as_millis() as u64
}
