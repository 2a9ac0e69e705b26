//! kill -9 of a real `tiltwise serve` under load, again and again: nothing that was acknowledged is missing, and nothing
//! is there twice. Senders do what edges do: what was not acknowledged is sent again under its number.

// Helpers of tests are outside of test functions, where clippy allows no unwrap by itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use tempfile::TempDir;
use tiltwise_collector::log::{EmbeddedLog, EventLog, LogClock, Options};
use tiltwise_core::{
    event::{Body, Event, EventBatch, Fact, LogRecord, Outcome},
    id::Visitor,
};

const KILLS: u32 = 5;
const SENDERS: u8 = 4;
const EVENTS: u32 = 10;

struct Collector {
    process: Child,
    public: SocketAddr,
}

impl Collector {
    fn start(folder: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_tiltwise"))
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--admin-listen",
                "127.0.0.1:0",
            ])
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(process.stdout.as_mut().unwrap())
            .read_line(&mut said)
            .unwrap();
        let public = said
            .trim()
            .strip_prefix("public http://")
            .unwrap_or_else(|| panic!("{said:?}"))
            .parse()
            .unwrap();
        Self { process, public }
    }

    fn kill(mut self) {
        // SIGKILL: no handler, no flush, no farewell.
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    fn stop(mut self) {
        Command::new("kill")
            .arg(self.process.id().to_string())
            .status()
            .unwrap();
        assert!(self.process.wait().unwrap().success());
    }
}

/// One edge: numbers its batches, and sends the oldest that was not acknowledged.
struct Sender {
    session: [u8; 16],
    next: u32,
}

impl Sender {
    /// Sends until the collector is gone.
    fn run(&mut self, to: SocketAddr) {
        let Ok(mut stream) = TcpStream::connect(to) else {
            return;
        };
        while send(&mut stream, &self.batch()).is_some_and(|status| status == 200) {
            self.next += 1;
        }
    }

    fn batch(&self) -> Vec<u8> {
        let visitor = Visitor::mint(LogClock::system().now_ms(), self.session);
        // The value names the event: sender, batch, place in the batch.
        let value = |index: u32| f64::from((u32::from(self.session[0]) << 24) | (self.next * EVENTS + index));
        let outcome = |index| Outcome {
            name: "n",
            value: value(index),
            currency: "",
            id: "",
        };
        let event = |index| Event {
            made_ms: 0,
            body: Body::Outcome(outcome(index)),
            id: "",
            visitor: None,
            account: "",
        };
        let events: Vec<Vec<u8>> = (0..EVENTS).map(|index| event(index).encode()).collect();
        let (session, events) = (&self.session, events.iter().map(Vec::as_slice).collect());
        EventBatch {
            session,
            sequence: self.next,
            visitor: Some(visitor),
            events,
            ..EventBatch::default()
        }
        .encode()
    }
}

/// The status, or nothing where the connection broke before it came.
fn send(stream: &mut TcpStream, body: &[u8]) -> Option<u16> {
    let head = format!(
        "POST /v1/e HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).ok()?;
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        answer.push(byte[0]);
    }
    let head = String::from_utf8(answer).ok()?.to_lowercase();
    let length = head
        .split("content-length: ")
        .nth(1)?
        .split('\r')
        .next()?
        .parse()
        .ok()?;
    stream.read_exact(&mut vec![0; length]).ok()?;
    head.split(' ').nth(1)?.parse().ok()
}

#[test]
fn no_acknowledged_event_is_lost_or_doubled_by_kill_9_under_load() {
    let folder = TempDir::new().unwrap();
    let made = Command::new(env!("CARGO_BIN_EXE_tiltwise"))
        .args(["keys", "init"])
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let mut senders: Vec<Sender> = (0..SENDERS)
        .map(|n| Sender {
            session: [n + 1; 16],
            next: 0,
        })
        .collect();
    for round in 0..KILLS {
        let collector = Collector::start(folder.path());
        let to = collector.public;
        thread::scope(|scope| {
            for sender in &mut senders {
                scope.spawn(move || sender.run(to));
            }
            // Under load for a different while each time, so that the kill falls into another moment of the commit.
            thread::sleep(Duration::from_millis(150 + 37 * u64::from(round)));
            collector.kill();
        });
    }
    let acknowledged: BTreeMap<u8, u32> = senders
        .iter()
        .map(|sender| (sender.session[0], sender.next))
        .collect();
    assert!(
        acknowledged.values().all(|batches| *batches > 0),
        "{acknowledged:?}"
    );
    // What was in flight at the last kill is sent again, and so is one that had been acknowledged.
    let collector = Collector::start(folder.path());
    for sender in &mut senders {
        let mut stream = TcpStream::connect(collector.public).unwrap();
        assert_eq!(send(&mut stream, &sender.batch()), Some(200));
        sender.next -= 1;
        assert_eq!(send(&mut stream, &sender.batch()), Some(200));
    }
    collector.stop();

    let log = EmbeddedLog::open(
        &Options::at(folder.path().join("data/log")),
        LogClock::system(),
        Arc::default(),
    )
    .unwrap();
    let mut found: BTreeMap<i64, u32> = BTreeMap::new();
    for record in log.read_from(log.first(), usize::MAX).unwrap() {
        for event in LogRecord::decode(record.bytes()).unwrap().events {
            let Fact::Outcome(outcome) = event.fact else {
                panic!("only outcomes were sent")
            };
            *found.entry(outcome.value_micros / 1_000_000).or_default() += 1;
        }
    }
    let twice: Vec<_> = found.iter().filter(|(_, n)| **n != 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    for (sender, batches) in &acknowledged {
        let events = (0..(batches + 1) * EVENTS).map(|n| i64::from((u32::from(*sender) << 24) | n));
        let missing: Vec<i64> = events.filter(|id| !found.contains_key(id)).collect();
        assert!(missing.is_empty(), "of sender {sender}: {missing:?}");
    }
    let sent: u32 = acknowledged.values().map(|batches| (batches + 1) * EVENTS).sum();
    assert_eq!(found.len(), sent as usize);
    println!("{sent} events over {KILLS} kills, each there once");
}
