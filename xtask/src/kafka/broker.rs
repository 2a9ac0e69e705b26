//! One broker: a folder with its configuration and its data, and the process that serves it.

use std::fs::{self, OpenOptions};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::{jars, secure};
use crate::child::{self, Running};

/// Listening took 3.6 s on the machine where this was measured; a start that replays a log under load takes longer.
const START: Duration = Duration::from_secs(90);
/// A broker that hands its partitions over first may take a while.
const END: Duration = Duration::from_secs(30);

/// Small and quick to start: the tests start it often, and it holds little.
const JVM: [&str; 3] = ["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];

/// Warnings go to the broker's own file, its chatter nowhere.
const LOG4J: &str = "\
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %c{1}: %m%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
";

/// Which broker of which cluster.
#[derive(Debug, Clone)]
pub struct Place {
    pub id: u8,
    pub folder: PathBuf,
    pub listen: SocketAddr,
    pub controller: SocketAddr,
    /// Where it demands TLS and a password.
    pub secure: Option<SocketAddr>,
}

#[derive(Debug)]
pub struct Broker {
    pub place: Place,
    running: Option<Running>,
}

impl Place {
    /// Writes the configuration and, where there is none yet, the empty data folder.
    pub fn lay_out(&self, cluster: &str, quorum: &[Self], set: &[String]) -> Result<()> {
        let folder = &self.folder;
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        fs::write(folder.join("log4j2.properties"), LOG4J)?;
        if self.secure.is_some() {
            secure::make_key(folder)?;
        }
        let properties = folder.join("server.properties");
        fs::write(&properties, self.properties(quorum, set))?;
        if self.data().join("meta.properties").exists() {
            return Ok(());
        }
        let mut format = jars::program(&JVM, "kafka.tools.StorageTool");
        format.args(["format", "-t", cluster, "-c"]).arg(properties);
        if self.secure.is_some() {
            format.args(["--add-scram", &secure::user()]);
        }
        child::output(&mut format).context("preparing the broker's folder")?;
        Ok(())
    }

    pub fn start(self) -> Result<Broker> {
        let mut broker = Broker {
            place: self,
            running: None,
        };
        broker.spawn()?;
        Ok(broker)
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn properties(&self, quorum: &[Self], set: &[String]) -> String {
        let Self {
            id,
            listen,
            controller,
            ..
        } = self;
        let secured = self
            .secure
            .map_or_else(String::new, |address| format!(",{}", secure::listener(address)));
        let voters: Vec<String> = quorum
            .iter()
            .map(|place| format!("{}@{}", place.id, place.controller))
            .collect();
        let copies = quorum.len();
        // What was written with two of three copies outlives the loss of any one broker.
        let in_sync = if copies == 1 { 1 } else { 2 };
        let mut text = format!(
            "process.roles=broker,controller\n\
             node.id={id}\n\
             controller.quorum.voters={voters}\n\
             listeners=PLAINTEXT://{listen},CONTROLLER://{controller}{secured}\n\
             advertised.listeners=PLAINTEXT://{listen}{secured}\n\
             controller.listener.names=CONTROLLER\n\
             listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL\n\
             log.dirs={data}\n\
             auto.create.topics.enable=false\n\
             group.initial.rebalance.delay.ms=0\n\
             default.replication.factor={copies}\n\
             min.insync.replicas={in_sync}\n\
             offsets.topic.replication.factor={copies}\n\
             offsets.topic.num.partitions=1\n\
             transaction.state.log.replication.factor={copies}\n\
             transaction.state.log.min.isr={in_sync}\n\
             transaction.state.log.num.partitions=1\n\
             share.coordinator.state.topic.replication.factor={copies}\n\
             share.coordinator.state.topic.min.isr={in_sync}\n",
            voters = voters.join(","),
            data = self.data().display(),
        );
        if self.secure.is_some() {
            text.push_str(&secure::properties(&self.folder));
        }
        for setting in set {
            text.push_str(setting);
            text.push('\n');
        }
        text
    }
}

impl Broker {
    fn spawn(&mut self) -> Result<()> {
        let said = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.said())
            .with_context(|| format!("opening {}", self.said().display()))?;
        let configuration = format!(
            "-Dlog4j2.configurationFile={}",
            self.place.folder.join("log4j2.properties").display()
        );
        let mut options = JVM.to_vec();
        options.push(&configuration);
        let mut java = jars::program(&options, "kafka.Kafka");
        java.arg(self.place.folder.join("server.properties"));
        java.stdout(said.try_clone()?).stderr(said);
        let running = Running::start(&mut java)?;
        println!(
            "broker {} pid {} at {}",
            self.place.id,
            running.id(),
            self.place.listen
        );
        self.running = Some(running);
        Ok(())
    }

    /// Waits until it takes connections.
    pub fn wait(&mut self) -> Result<()> {
        let began = Instant::now();
        while TcpStream::connect_timeout(&self.place.listen, Duration::from_secs(1)).is_err() {
            if self.has_died()? || began.elapsed() > START {
                bail!(
                    "the broker does not start; it said:\n{}",
                    last_lines(&self.said())
                );
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    pub fn has_died(&mut self) -> Result<bool> {
        match &mut self.running {
            Some(running) => Ok(running.ended()?.is_some()),
            None => Ok(true),
        }
    }

    /// True once, when it was found dead.
    pub fn is_missed(&mut self) -> Result<bool> {
        let is_missed = self.running.is_some() && self.has_died()?;
        if is_missed {
            self.running = None;
        }
        Ok(is_missed)
    }

    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Starts it again, on its ports and with its data.
    pub fn revive(&mut self) -> Result<()> {
        self.running = None;
        self.spawn()
    }

    pub fn ask_to_end(&self) {
        if let Some(running) = &self.running {
            running.ask_to_end();
        }
    }

    /// Asks it to end, and fails where it does not.
    pub fn end(mut self) -> Result<()> {
        self.running.take().map_or(Ok(()), |running| running.end(END))
    }

    /// Waits for so long until it ends by itself, and makes it end then.
    pub fn end_within(mut self, patience: Duration) {
        if let Some(running) = self.running.take() {
            let _ = running.end(patience);
        }
    }

    /// What it wrote to its own output.
    pub fn said(&self) -> PathBuf {
        self.place.folder.join("broker.log")
    }
}

fn last_lines(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(20);
    lines.get(from..).unwrap_or_default().join("\n")
}
