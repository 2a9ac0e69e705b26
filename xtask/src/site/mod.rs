//! A site of one's own: a collector with its folder, keys and free ports, for as long as one command runs.
//!
//! Nothing outside the temporary folder is written, and nothing is left running: the collector ends when this value does.

mod files;

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::child::{self, Running};
use crate::edge::door::Door;
use crate::edge::follow::Edge;
use crate::edge::trust::Trust;

pub use self::files::PublicKey;

/// How long a collector may take to be ready, and to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// What differs between the sites of the commands.
#[derive(Debug, Default)]
pub struct Options {
    /// The experiment file.
    pub experiments: String,
    /// Origins of pages that may send.
    pub origins: Vec<String>,
    /// More lines of the collector file.
    pub more: String,
    /// Commands of the collector's that come before `serve`.
    pub before: Vec<[&'static str; 2]>,
}

/// A running collector.
#[derive(Debug)]
pub struct Site {
    program: PathBuf,
    folder: TempDir,
    collector: Running,
    pub http: SocketAddr,
    pub admin: SocketAddr,
    pub public_keys: Vec<PublicKey>,
}

impl Site {
    /// Writes the files, makes keys and starts the collector. It is ready when this returns.
    pub async fn start(program: &Path, options: &Options) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("tiltwise-")
            .tempdir()
            .context("a folder for the site")?;
        let (http, admin) = (free_address()?, free_address()?);
        files::write(folder.path(), options, http, admin)?;
        child::output(tiltwise(program, folder.path()).args(["keys", "init"]))?;
        let public = child::output(tiltwise(program, folder.path()).args(["keys", "public", "--json"]))?;
        let public_keys = files::public_keys(&public)?;
        for command in &options.before {
            child::output(tiltwise(program, folder.path()).args(command))?;
        }
        let said = File::create(files::diagnostics(folder.path()))?;
        let mut serve = tiltwise(program, folder.path());
        serve.arg("serve").stdout(said.try_clone()?).stderr(said);
        let collector = Running::start(&mut serve)?;
        let mut site = Self {
            program: program.to_owned(),
            folder,
            collector,
            http,
            admin,
            public_keys,
        };
        site.wait_until_ready().await?;
        Ok(site)
    }

    /// An edge of this site that holds its first snapshot.
    pub async fn edge(&self) -> Result<Arc<Edge>> {
        let keys: Vec<[u8; 32]> = self
            .public_keys
            .iter()
            .map(|key| {
                let mut bytes = [0; 32];
                hex::decode_to_slice(&key.hex, &mut bytes)
                    .with_context(|| format!("{} is no public key", key.hex))?;
                Ok(bytes)
            })
            .collect::<Result<_>>()?;
        Edge::open(Door::new(self.http), Trust::new(&keys)?).await
    }

    /// One of the collector's own commands, for this site.
    pub fn tiltwise(&self) -> Command {
        tiltwise(&self.program, self.folder.path())
    }

    /// The collector's process.
    pub fn process(&self) -> u32 {
        self.collector.id()
    }

    /// Fails with what the collector said where it has ended by itself.
    pub fn check(&mut self) -> Result<()> {
        if let Some(status) = self.collector.ended()? {
            bail!(
                "the collector ended with {status}. It said:\n{}",
                self.last_words()
            );
        }
        Ok(())
    }

    /// A new key for a back end of the site.
    pub fn server_key(&self, name: &str) -> Result<String> {
        let printed = child::output(self.tiltwise().args(["keys", "server", "add", name]))?;
        files::server_key(&printed)
    }

    /// An address that opens the dashboard once.
    pub async fn dashboard_url(&self) -> Result<String> {
        let reply = Door::new(self.admin)
            .post_json("/v1/admin/session", &self.admin_token()?, &json!({}))
            .await?;
        let said: Value = serde_json::from_slice(&reply.body).with_context(|| format!("{:?}", reply.body))?;
        let path = said
            .get("url")
            .and_then(Value::as_str)
            .context("the admin listener gave no address")?;
        Ok(format!("http://{}{path}", self.admin))
    }

    /// The token that opens the admin listener.
    fn admin_token(&self) -> Result<String> {
        let path = files::admin_token(self.folder.path());
        let token = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        Ok(token.trim().to_owned())
    }

    /// Asks the collector to end and waits for it.
    pub fn end(self) -> Result<()> {
        self.collector.end(PATIENCE)
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        let door = Door::new(self.http);
        let started = Instant::now();
        loop {
            self.check()?;
            if door
                .get("/readyz")
                .await
                .is_ok_and(|reply| reply.status.is_success())
            {
                return Ok(());
            }
            if started.elapsed() > PATIENCE {
                bail!(
                    "the collector was not ready within {PATIENCE:?}. It said:\n{}",
                    self.last_words()
                );
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn last_words(&self) -> String {
        let said = std::fs::read_to_string(files::diagnostics(self.folder.path())).unwrap_or_default();
        let lines: Vec<&str> = said.lines().collect();
        lines
            .get(lines.len().saturating_sub(20)..)
            .unwrap_or_default()
            .join("\n")
    }
}

fn tiltwise(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder);
    // What a developer has set for a collector of their own is not meant for this one.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TILTWISE_")) {
        command.env_remove(name);
    }
    command
}

/// An address that nobody listens on. Another program may take it in between, which starting then says.
pub fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("a free port")?;
    Ok(listener.local_addr()?)
}
