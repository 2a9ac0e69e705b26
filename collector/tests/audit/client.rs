//! The least HTTP client that a sender needs: a connection that is kept, and that may break at any moment.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::Duration,
};

use tiltwise_core::snapshot::{SealedSnapshot, SnapshotContent};

pub struct Connection {
    stream: BufReader<TcpStream>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// By the collector's clock, where it says so.
    pub received_ms: u64,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&self.body)))
    }
}

impl Connection {
    pub fn open(to: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(to)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let stream = BufReader::new(stream);
        Ok(Self { stream })
    }

    pub fn post(&mut self, path: &str, headers: &str, body: &[u8]) -> io::Result<Answer> {
        self.send("POST", path, headers, body)?;
        self.answer()
    }

    pub fn get(&mut self, path: &str) -> io::Result<Answer> {
        self.get_with(path, "")
    }

    pub fn get_with(&mut self, path: &str, headers: &str) -> io::Result<Answer> {
        self.send("GET", path, headers, b"")?;
        self.answer()
    }

    /// The newest snapshot, as a page loads it.
    pub fn snapshot(&mut self) -> io::Result<(u64, SnapshotContent)> {
        let answer = self.get("/v1/snapshot")?;
        if answer.status != 200 {
            return Err(io::Error::other("there is no snapshot"));
        }
        let sealed = SealedSnapshot::decode(&answer.body).unwrap();
        Ok((sealed.version, SnapshotContent::decode(&sealed.content).unwrap()))
    }

    /// Waits until a snapshot is announced that holds everything received up to this time.
    pub fn wait_for_fold(self, through_ms: u64) {
        let found = self.follow(|announced| announced["foldedThroughMs"].as_u64().unwrap() >= through_ms);
        assert!(found, "the stream ended");
    }

    /// Hears what the stream announces until it is enough; false where the stream ends before.
    pub fn follow(mut self, mut is_enough: impl FnMut(&serde_json::Value) -> bool) -> bool {
        self.send("GET", "/v1/stream", "", b"").unwrap();
        let mut line = String::new();
        loop {
            line.clear();
            if !matches!(self.stream.read_line(&mut line), Ok(1..)) {
                return false;
            }
            let Some(data) = line.strip_prefix("data: ") else {
                continue;
            };
            if is_enough(&serde_json::from_str(data).unwrap()) {
                return true;
            }
        }
    }

    fn send(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) -> io::Result<()> {
        let length = body.len();
        let head =
            format!("{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n{headers}\r\n");
        self.stream.get_mut().write_all(&[head.as_bytes(), body].concat())
    }

    fn answer(&mut self) -> io::Result<Answer> {
        let broken = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let status = self.line()?.split(' ').nth(1).and_then(|code| code.parse().ok());
        let (mut length, mut received_ms) = (0, 0);
        loop {
            let line = self.line()?.to_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().map_err(|_| broken())?;
            }
            if let Some(value) = line.strip_prefix("tiltwise-received-ms: ") {
                received_ms = value.parse().map_err(|_| broken())?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        let status = status.ok_or_else(broken)?;
        Ok(Answer {
            status,
            received_ms,
            body,
        })
    }

    /// A whole line: one that breaks off is no answer.
    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        match line.strip_suffix("\r\n") {
            Some(line) => Ok(line.to_owned()),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}
