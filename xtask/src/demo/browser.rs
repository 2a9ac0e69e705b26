//! The real Chromium that clicks through the shop while the simulated visitors come.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::child::Running;
use crate::tools::{CHROMIUM, Tool};
use crate::{npm, repo, tools};

/// The package that has playwright-core, and the script beside it.
const FOLDER: &str = "xtask/npm";
const SCRIPT: &str = "visit.mjs";

/// A visitor in the middle of the shop finishes first.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the browser's visitors have to say of themselves.
#[derive(Clone, Debug, Default)]
pub struct Sessions {
    pub ended: u64,
    /// Events that the collector accepted, by the answers that this browser has seen.
    pub accepted: u64,
    pub rejected: u64,
    /// Errors on the shop's pages.
    pub errors: Vec<String>,
}

#[derive(Debug)]
pub struct Browser {
    script: Running,
    reader: JoinHandle<Result<()>>,
    seen: Arc<Mutex<Sessions>>,
}

#[derive(Deserialize)]
struct Visit {
    accepted: u64,
    rejected: u64,
    errors: Vec<String>,
}

impl Browser {
    /// Starts clicking, or says why not: a demo without a Chromium is still one.
    pub fn start(shop: &str, headless: bool) -> Result<Option<Self>> {
        if let Some(missing) = tools::missing(&[&CHROMIUM]) {
            println!("  browser: skipped, {missing}");
            return Ok(None);
        }
        npm::install(FOLDER)?;
        let mut node = Command::new("node");
        node.current_dir(repo::root().join(FOLDER)).stdout(Stdio::piped());
        node.args([
            SCRIPT,
            shop,
            &program(&CHROMIUM)?,
            if headless { "headless" } else { "headed" },
        ]);
        let mut script = Running::start(&mut node)?;
        let lines = script.stdout().context("the browser's script has no output")?;
        let seen = Arc::new(Mutex::new(Sessions::default()));
        let noted = Arc::clone(&seen);
        let reader = thread::spawn(move || {
            for line in BufReader::new(lines).lines() {
                let line = line?;
                let visit: Visit =
                    serde_json::from_str(&line).with_context(|| format!("the browser said {line}"))?;
                noted.lock().unwrap_or_else(PoisonError::into_inner).note(visit);
            }
            Ok(())
        });
        Ok(Some(Self { script, reader, seen }))
    }

    pub fn seen(&self) -> Sessions {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fails where the script has ended by itself.
    pub fn check(&mut self) -> Result<()> {
        if let Some(status) = self.script.ended()? {
            bail!("the browser that clicks through the shop ended with {status}");
        }
        Ok(())
    }

    /// Lets the visitor in the shop finish, and says what all have seen.
    pub fn end(self) -> Result<Sessions> {
        self.script.end(PATIENCE)?;
        self.reader
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        Ok(self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Sessions {
    fn note(&mut self, visit: Visit) {
        self.ended += 1;
        self.accepted += visit.accepted;
        self.rejected += visit.rejected;
        self.errors.extend(visit.errors);
    }
}

fn program(tool: &Tool) -> Result<String> {
    let path = tool
        .path()
        .with_context(|| format!("{} has gone", tool.program))?;
    Ok(path.to_string_lossy().into_owned())
}
