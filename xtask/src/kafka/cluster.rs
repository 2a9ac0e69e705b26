//! One broker, or three that replicate: started together, addressed together, ended together.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rand::RngExt;
use rand::distr::Alphanumeric;
use tempfile::TempDir;

use super::broker::{Broker, Place};
use super::{jars, secure};
use crate::repo;

/// How long several brokers may take to end together.
const FAREWELL: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub struct Cluster {
    brokers: Vec<Broker>,
    /// Where it keeps what is gone with it.
    _passing: Option<TempDir>,
}

impl Cluster {
    /// Starts the brokers and waits until all take connections. `set` goes into their server.properties.
    pub fn start(nodes: u8, folder: Option<&Path>, secure: bool, set: &[String]) -> Result<Self> {
        jars::fetch()?;
        let passing = match folder {
            Some(_) => None,
            None => Some(TempDir::new_in(repo::target_dir().join("kafka"))?),
        };
        let folder = match (&passing, folder) {
            (Some(passing), _) => passing.path().to_owned(),
            (None, folder) => std::path::absolute(folder.unwrap_or(Path::new("kafka")))?,
        };
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        let places = places(nodes, &folder, secure)?;
        let name = cluster_name(&folder)?;
        for place in &places {
            place.lay_out(&name, &places, set)?;
        }
        let mut brokers = Vec::new();
        for place in places {
            brokers.push(place.start()?);
        }
        for broker in &mut brokers {
            broker.wait()?;
        }
        Ok(Self {
            brokers,
            _passing: passing,
        })
    }

    /// What `kafka.bootstrap_servers` is to name.
    pub fn address(&self) -> String {
        let all: Vec<String> = self
            .brokers
            .iter()
            .map(|broker| broker.place.listen.to_string())
            .collect();
        all.join(",")
    }

    /// The lines of a collector file that keep the log here.
    pub fn log(&self) -> String {
        format!(
            "log = {{ kind = \"kafka\" }}\n\
             kafka = {{ bootstrap_servers = {:?}, partitions = 8, replication = {} }}\n",
            self.address().split(',').collect::<Vec<_>>(),
            self.brokers.len()
        )
    }

    /// Where TLS and a password are demanded, by the first broker.
    pub fn secure_address(&self) -> Option<SocketAddr> {
        self.brokers.first()?.place.secure
    }

    /// The certificate of the first broker.
    pub fn certificate(&self) -> PathBuf {
        let first = self.brokers.first();
        first.map_or_else(PathBuf::new, |broker| secure::certificate(&broker.place.folder))
    }

    /// Looks whether all brokers live. One that has died is started again, or missed: a majority goes on without it.
    pub fn look(&mut self, revive: bool) -> Result<()> {
        for broker in &mut self.brokers {
            if revive && broker.has_died()? {
                broker.revive()?;
            } else if broker.is_missed()? {
                let (id, said) = (broker.place.id, broker.said());
                println!("broker {id} has died; what it said is in {}", said.display());
            }
        }
        let living = self.brokers.iter().filter(|broker| broker.is_running()).count();
        ensure!(
            2 * living > self.brokers.len(),
            "{living} of {} brokers live, which is no majority",
            self.brokers.len()
        );
        Ok(())
    }

    /// Ends all together. The last of several have no majority any more to hand over to, which Kafka waits for in vain: they are
    /// killed, as at a power cut, and lose nothing by it.
    pub fn end(self) -> Result<()> {
        let several = self.brokers.len() > 1;
        for broker in &self.brokers {
            broker.ask_to_end();
        }
        let asked = Instant::now();
        for broker in self.brokers {
            if several {
                broker.end_within(FAREWELL.saturating_sub(asked.elapsed()));
            } else {
                broker.end()?;
            }
        }
        Ok(())
    }
}

/// The brokers' places. Ports are chosen once and kept with the data: clients and the brokers themselves remember them.
fn places(nodes: u8, folder: &Path, secure: bool) -> Result<Vec<Place>> {
    let file = folder.join("ports");
    let wanted = usize::from(nodes) * 3;
    let ports: Vec<SocketAddr> = match fs::read_to_string(&file) {
        Ok(text) => text.lines().filter_map(|line| line.parse().ok()).collect(),
        Err(_) => free_ports(wanted)?,
    };
    ensure!(
        ports.len() == wanted,
        "{}: this folder belongs to {} brokers, not to {nodes}",
        folder.display(),
        ports.len() / 3
    );
    let lines: Vec<String> = ports.iter().map(SocketAddr::to_string).collect();
    fs::write(&file, lines.join("\n"))?;
    let every_third = |from: usize| ports.iter().copied().skip(from).step_by(3);
    let places = (1..).zip(every_third(0)).zip(every_third(1)).zip(every_third(2));
    Ok(places
        .map(|(((id, listen), controller), third)| Place {
            id,
            folder: folder.join(format!("broker-{id}")),
            listen,
            controller,
            secure: secure.then_some(third),
        })
        .collect())
}

/// Held all at once, so that none is given out twice.
fn free_ports(count: usize) -> Result<Vec<SocketAddr>> {
    let held: Vec<TcpListener> = (0..count)
        .map(|_| TcpListener::bind("127.0.0.1:0"))
        .collect::<Result<_, _>>()?;
    Ok(held
        .iter()
        .map(TcpListener::local_addr)
        .collect::<Result<_, _>>()?)
}

/// The cluster's id, chosen once.
fn cluster_name(folder: &Path) -> Result<String> {
    let file = folder.join("cluster");
    if let Ok(name) = fs::read_to_string(&file) {
        return Ok(name.trim().to_owned());
    }
    // Sixteen bytes in base64: the last digit holds two bits only.
    let mut rng = rand::rng();
    let mut name: String = (0..21).map(|_| rng.sample(Alphanumeric) as char).collect();
    name.push('A');
    fs::write(&file, &name)?;
    Ok(name)
}
