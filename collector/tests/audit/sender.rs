//! An edge that sends what it was not acknowledged for again, and keeps books of what it was.

use std::{collections::VecDeque, io, sync::mpsc};

use rand::{RngExt, SeedableRng, rngs::SmallRng};

use crate::{
    books::Books,
    client::Connection,
    site::now_ms,
    visits::{self, Batch, Held, Name, Seen},
};

/// Visitors that may come back, and until when.
const SEEN: usize = 64;
const SEEN_MS: u64 = 60_000;

pub struct Sender {
    rng: SmallRng,
    session: [u8; 16],
    sequence: u32,
    held: Option<Held>,
    /// How many batches it sends with one snapshot, on average.
    holds_on: u32,
    seen: VecDeque<Seen>,
    /// Sent, or about to be, and not acknowledged.
    waiting: Option<Batch>,
    pub books: Books,
    pub acknowledged: Vec<Name>,
    /// Never acknowledged, as when a page is closed.
    pub given_up: Vec<Batch>,
    pub tally: Tally,
}

/// What happened on the way.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    /// Acknowledged only when sent again, since the collector had them all along.
    pub known: u64,
    pub late_exposures: u64,
    pub broken_connections: u64,
}

impl Sender {
    pub fn new(seed: u8) -> Self {
        Self {
            rng: SmallRng::seed_from_u64(seed.into()),
            session: [seed; 16],
            sequence: 0,
            held: None,
            // Some pages hear of every model, others stay with an old one for long, over restarts too.
            holds_on: if seed.is_multiple_of(2) { 200 } else { 8 },
            seen: VecDeque::new(),
            waiting: None,
            books: Books::default(),
            acknowledged: Vec::new(),
            given_up: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// Sends until the collector is gone, and tells of every acknowledged batch.
    pub fn run(&mut self, to: &str, tell: &mpsc::Sender<()>) {
        if self.send_on(to, tell).is_err() {
            self.tally.broken_connections += 1;
            // A page was closed meanwhile: nobody will ever send this again.
            if self.rng.random_ratio(1, 4) {
                self.given_up.extend(self.waiting.take());
            }
        }
    }

    /// Gets the last of it acknowledged.
    pub fn finish(&mut self, to: &str) {
        let mut connection = Connection::open(to).unwrap();
        if let Some(batch) = self.waiting.take() {
            let answer = connection.post("/v1/e", "", &batch.bytes).unwrap();
            assert_eq!(answer.status, 200);
            self.settle(batch, &answer.body);
        }
    }

    fn send_on(&mut self, to: &str, tell: &mpsc::Sender<()>) -> io::Result<()> {
        let mut connection = Connection::open(to)?;
        loop {
            let batch = match self.waiting.take() {
                Some(batch) => batch,
                None => self.compose(&mut connection)?,
            };
            let answer = connection.post("/v1/e", "", &batch.bytes);
            match answer {
                Ok(answer) if answer.status == 200 => {
                    let once_more = self.rng.random_ratio(1, 12).then(|| batch.clone());
                    self.settle(batch, &answer.body);
                    if tell.send(()).is_err() {
                        return Ok(());
                    }
                    if let Some(batch) = once_more {
                        let answer = connection.post("/v1/e", "", &batch.bytes)?;
                        let is_known = answer.body.iter().all(|verdict| *verdict == 1);
                        assert!(answer.status != 200 || is_known, "{answer:?}");
                    }
                }
                refused => {
                    self.waiting = Some(batch);
                    let refused = refused?;
                    return Err(io::Error::other(refused.status.to_string()));
                }
            }
        }
    }

    fn compose(&mut self, connection: &mut Connection) -> io::Result<Batch> {
        if self.held.is_none() || self.rng.random_ratio(1, self.holds_on) {
            let (version, content) = connection.snapshot()?;
            self.held = Some(Held {
                version,
                content,
                since_ms: now_ms(),
            });
        }
        let held = self.held.as_ref().unwrap();
        while self
            .seen
            .front()
            .is_some_and(|seen| seen.shown_ms + SEEN_MS < now_ms())
        {
            self.seen.pop_front();
        }
        let seen = (!self.seen.is_empty() && self.rng.random_bool(0.5))
            .then(|| &self.seen[self.rng.random_range(0..self.seen.len())]);
        let batch = visits::batch(&mut self.rng, held, (self.session, self.sequence), seen);
        self.sequence += 1;
        Ok(batch)
    }

    /// Writes down what was acknowledged. Nothing that is sent here deserves a refusal.
    fn settle(&mut self, batch: Batch, verdicts: &[u8]) {
        let is_known = !verdicts.is_empty();
        assert!(verdicts.iter().all(|verdict| *verdict == 1), "{verdicts:?}");
        self.tally.known += if is_known { batch.names.len() as u64 } else { 0 };
        self.tally.late_exposures += batch.late;
        self.books.enter(&batch.entries);
        self.acknowledged.extend(batch.names);
        self.seen.extend(batch.seen);
        while self.seen.len() > SEEN {
            self.seen.pop_front();
        }
    }
}
