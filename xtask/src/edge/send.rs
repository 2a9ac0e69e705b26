//! Sends batches and resends them until each event has its verdict.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hyper::StatusCode;
use hyper::body::Bytes;
use tiltwise_core::event::{Body, Event, EventBatch, Exposure, Outcome};
use tiltwise_core::id::Visitor;

use super::decide::Arrival;
use super::door::Door;
use super::now_ms;

/// The first wait before a batch is sent again, doubled each time up to the last.
const BACK_OFF: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(2)];

/// The events of one session, numbered as an edge numbers them.
#[derive(Debug)]
pub struct Session {
    arrival: Arrival,
    sequence: u32,
}

/// Some events of a session under one number, which a resent copy keeps.
#[derive(Debug)]
pub struct Batch {
    visitor: Visitor,
    session: [u8; 16],
    sequence: u32,
    events: Vec<Vec<u8>>,
}

/// What became of an event at the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Accepted,
    Duplicate,
    /// The codes are listed where the collector makes them, in `admit/reject.rs`.
    Rejected {
        code: u8,
    },
}

/// What the collector said of a batch.
#[derive(Debug)]
pub struct Answer {
    /// When it received the batch, by its own clock.
    pub received_ms: u64,
    /// One an event, in their order.
    pub verdicts: Vec<Verdict>,
    /// When the first copy was sent.
    pub sent_at: Instant,
    /// How many copies were sent until one was answered: only after several can an event be a duplicate.
    pub copies: u32,
}

impl Session {
    pub fn new(arrival: Arrival) -> Self {
        Self { arrival, sequence: 0 }
    }

    /// The next batch of the session.
    pub fn batch(&mut self) -> Batch {
        let sequence = self.sequence;
        self.sequence += 1;
        Batch {
            visitor: self.arrival.visitor,
            session: self.arrival.session,
            sequence,
            events: Vec::new(),
        }
    }
}

impl Batch {
    pub fn exposure(&mut self, exposure: Exposure) {
        self.push(Body::Exposure(exposure));
    }

    pub fn outcome(&mut self, outcome: Outcome<'_>) {
        self.push(Body::Outcome(outcome));
    }

    pub fn len(&self) -> usize {
        self.events.len()
    }

    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    fn push(&mut self, body: Body<'_>) {
        let event = Event {
            made_ms: now_ms(),
            body,
            id: "",
            visitor: None,
            account: "",
        };
        self.events.push(event.encode());
    }

    /// The bytes of the copy that is sent now.
    pub fn encode(&self) -> Bytes {
        let batch = EventBatch {
            session: &self.session,
            sequence: self.sequence,
            sent_ms: now_ms(),
            visitor: Some(self.visitor),
            events: self.events.iter().map(Vec::as_slice).collect(),
            ..EventBatch::default()
        };
        batch.encode().into()
    }

    /// Sends the batch until it is answered, for at most as long as `patience`.
    pub async fn send(&self, door: &Door, patience: Duration) -> Result<Answer> {
        let sent_at = Instant::now();
        let [mut wait, longest] = BACK_OFF;
        let mut copies = 0;
        loop {
            copies += 1;
            let complaint = match door.post("/v1/e", self.encode()).await {
                Ok(reply) if reply.status == StatusCode::OK => {
                    let received_ms = reply
                        .received_ms
                        .context("an answer without the time of receipt")?;
                    return Ok(Answer {
                        received_ms,
                        verdicts: verdicts(&reply.body, self.len())?,
                        sent_at,
                        copies,
                    });
                }
                Ok(reply) if is_for_now(reply.status) => {
                    wait = reply.retry_after.unwrap_or(wait);
                    format!("the collector answered {}", reply.status)
                }
                Ok(reply) => bail!(
                    "the collector refused a batch: {} {}",
                    reply.status,
                    shown(&reply.body)
                ),
                // Whether the batch arrived is unknown: it is sent again under the same number.
                Err(error) => format!("{error:#}"),
            };
            if sent_at.elapsed() + wait > patience {
                bail!("a batch was given up after {:?}: {complaint}", sent_at.elapsed());
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(longest);
        }
    }
}

fn is_for_now(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
}

/// The compact answer: a byte an event, or nothing where all were accepted.
fn verdicts(answer: &[u8], events: usize) -> Result<Vec<Verdict>> {
    if answer.is_empty() {
        return Ok(vec![Verdict::Accepted; events]);
    }
    ensure!(
        answer.len() == events,
        "{} verdicts on {events} events",
        answer.len()
    );
    let verdict = |code: &u8| match code {
        0 => Verdict::Accepted,
        1 => Verdict::Duplicate,
        &code => Verdict::Rejected { code },
    };
    Ok(answer.iter().map(verdict).collect())
}

fn shown(body: &[u8]) -> String {
    String::from_utf8_lossy(body.get(..200).unwrap_or(body)).into_owned()
}
