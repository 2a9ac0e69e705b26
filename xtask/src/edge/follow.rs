//! Holds the newest verified snapshot, as the stream announces it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::body::Incoming;
use serde_json::Value;
use tiltwise_core::snapshot::{SealedSnapshot, SnapshotContent};
use tokio::sync::watch;

use super::door::{Door, Reply};
use super::latency::Latency;
use super::now_ms;
use super::trust::Trust;

/// How long to stay away after the stream has broken. A page adds jitter and doubles it; one edge need not.
const RECONNECT: Duration = Duration::from_millis(250);

/// A snapshot that has been verified and may decide.
#[derive(Debug)]
pub struct Weights {
    pub version: u64,
    pub content: SnapshotContent,
}

/// An edge: its door, whom it trusts, and the newest weights.
#[derive(Debug)]
pub struct Edge {
    pub door: Door,
    trust: Trust,
    site: String,
    newest: watch::Sender<Arc<Weights>>,
    latency: Mutex<Latency>,
}

impl Edge {
    /// Fetches the first snapshot. The stream is followed by [`Edge::follow`].
    pub async fn open(door: Door, trust: Trust) -> Result<Arc<Self>> {
        let first = ok(door.get("/v1/snapshot").await?)?;
        let sealed = SealedSnapshot::decode(&first.body).context("the snapshot cannot be read")?;
        trust.check(&sealed, 0, now_ms())?;
        let weights = weights(&sealed)?;
        let newest = watch::Sender::new(Arc::new(weights));
        Ok(Arc::new(Self {
            door,
            trust,
            site: sealed.site,
            newest,
            latency: Mutex::default(),
        }))
    }

    /// The newest weights.
    pub fn weights(&self) -> Arc<Weights> {
        Arc::clone(&self.newest.borrow())
    }

    /// What is known of the way from an outcome to the weights.
    pub fn latency<T>(&self, look: impl FnOnce(&mut Latency) -> T) -> T {
        look(&mut self.latency.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Follows the stream for as long as it is polled. A broken stream is opened again; a snapshot that cannot be
    /// believed ends it, because on a machine of one's own that is a defect.
    pub async fn follow(&self) -> Result<()> {
        loop {
            if let Ok(mut stream) = self.door.stream("/v1/stream").await {
                let mut messages = Messages::default();
                while let Some(read) = next(&mut stream, &mut messages).await {
                    // Only the newest matters: what was announced before it in one piece is skipped.
                    if let Some(message) = read.last() {
                        self.adopt(message).await?;
                    }
                }
            }
            tokio::time::sleep(RECONNECT).await;
        }
    }

    async fn adopt(&self, message: &str) -> Result<()> {
        let mut sealed = announcement(message).with_context(|| format!("the stream said {message}"))?;
        sealed.site.clone_from(&self.site);
        let newest = self.weights().version;
        if sealed.version <= newest {
            return Ok(());
        }
        let Ok(reply) = self
            .door
            .get(&format!("/v1/snapshots/{}", hex::encode(sealed.hash)))
            .await
        else {
            // The collector has just ended: the stream will break, and be opened again.
            return Ok(());
        };
        sealed.content = ok(reply)?.body.to_vec();
        self.trust.check(&sealed, newest, now_ms())?;
        let weights = weights(&sealed)?;
        self.newest.send_replace(Arc::new(weights));
        self.latency(|latency| latency.adopted(Instant::now(), sealed.folded_through_ms));
        Ok(())
    }
}

fn weights(sealed: &SealedSnapshot) -> Result<Weights> {
    let content =
        SnapshotContent::decode(&sealed.content).context("the snapshot's content cannot be read")?;
    Ok(Weights {
        version: sealed.version,
        content,
    })
}

fn ok(reply: Reply) -> Result<Reply> {
    if reply.status != StatusCode::OK {
        bail!("the snapshot door answered {}", reply.status);
    }
    Ok(reply)
}

/// Reads an announcement: a snapshot's envelope without what the edge knows already, its site.
fn announcement(json: &str) -> Result<SealedSnapshot> {
    let json: Value = serde_json::from_str(json)?;
    let text = |name: &str| {
        json.get(name)
            .and_then(Value::as_str)
            .with_context(|| format!("without {name}"))
    };
    let ms = |name: &str| {
        json.get(name)
            .and_then(Value::as_u64)
            .with_context(|| format!("without {name}"))
    };
    let mut sealed = SealedSnapshot {
        version: text("version")?.parse().context("a version that is no number")?,
        published_ms: ms("publishedMs")?,
        expires_ms: ms("expiresMs")?,
        folded_through_ms: ms("foldedThroughMs")?,
        signature: hex::decode(text("signature")?).context("a signature that is not hexadecimal")?,
        ..SealedSnapshot::default()
    };
    hex::decode_to_slice(text("hash")?, &mut sealed.hash)
        .context("a hash that is not 64 hexadecimal digits")?;
    Ok(sealed)
}

/// The messages of the next piece of the stream that completes any; `None` at its end.
async fn next(stream: &mut Incoming, messages: &mut Messages) -> Option<Vec<String>> {
    loop {
        let frame = stream.frame().await?.ok()?;
        let complete = messages.read(frame.data_ref()?);
        if !complete.is_empty() {
            return Some(complete);
        }
    }
}

/// Server-sent events, as far as their data goes.
#[derive(Debug, Default)]
struct Messages {
    line: Vec<u8>,
    data: String,
}

impl Messages {
    fn read(&mut self, piece: &[u8]) -> Vec<String> {
        let mut complete = Vec::new();
        for &byte in piece {
            if byte != b'\n' {
                self.line.push(byte);
                continue;
            }
            let line = String::from_utf8_lossy(&self.line)
                .trim_end_matches('\r')
                .to_owned();
            self.line.clear();
            if let Some(data) = line.strip_prefix("data:") {
                self.data.push_str(data.trim_start());
            } else if line.is_empty() && !self.data.is_empty() {
                complete.push(std::mem::take(&mut self.data));
            }
        }
        complete
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_however_the_stream_is_cut() {
        let stream = b": alive\n\nevent: snapshot\ndata: {\"a\":1}\n\nid: 2\r\ndata: {\"b\":2}\r\n\r\n";
        for cut in 0..stream.len() {
            let mut messages = Messages::default();
            let (head, tail) = stream.split_at(cut);
            let read = [messages.read(head), messages.read(tail)].concat();
            assert_eq!(read, ["{\"a\":1}", "{\"b\":2}"], "cut at {cut}");
        }
    }
}
