//! A job manager and a task manager, each a process, on loopback.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::child::{self, Running};
use crate::kafka::fetch_jars;
use crate::repo;

const START: Duration = Duration::from_secs(60);
const END: Duration = Duration::from_secs(30);

/// What Flink reaches into the JDK for.
const OPENED: [&str; 12] = [
    "java.lang",
    "java.lang.reflect",
    "java.net",
    "java.io",
    "java.nio",
    "sun.nio.ch",
    "java.text",
    "java.time",
    "java.util",
    "java.util.concurrent",
    "java.util.concurrent.atomic",
    "java.util.concurrent.locks",
];

const LOG4J: &str = "\
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %c{1}: %m%n
rootLogger.level = info
rootLogger.appenderRef.out.ref = out
";

/// In front of the lines that are meant, in what Flink's own helper prints.
const RESULT: &str = "BASH_JAVA_UTILS_EXEC_RESULT:";

pub(super) struct Flink {
    folder: PathBuf,
    rest: SocketAddr,
    job_manager: Running,
    task_manager: Running,
}

impl Flink {
    pub(super) fn start() -> Result<Self> {
        fetch_jars("xtask/flink/pom.xml", &lib(), "Flink with Maven (100 MB, once)")?;
        let folder = repo::target_dir()
            .join("flink-cluster")
            .join(format!("run-{}", std::process::id()));
        let (rest, rpc) = (free()?, free()?);
        lay_out(&folder, rest, rpc)?;
        let mut job = java(
            &folder,
            &["-Xmx600m"],
            "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
        );
        let mut job_manager = start(
            job.args(["--configDir".as_ref(), folder.as_os_str()]),
            &folder.join("job-manager.log"),
        )?;
        let began = Instant::now();
        while TcpStream::connect_timeout(&rest, Duration::from_secs(1)).is_err() {
            if job_manager.ended()?.is_some() || began.elapsed() > START {
                bail!(
                    "the job manager does not start; {} says why",
                    folder.join("job-manager.log").display()
                );
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let task_manager = start_task_manager(&folder)?;
        Ok(Self {
            folder,
            rest,
            job_manager,
            task_manager,
        })
    }

    pub(super) fn rest(&self) -> SocketAddr {
        self.rest
    }

    pub(super) fn task_manager(&self) -> u32 {
        self.task_manager.id()
    }

    /// Flink's own command line, to be told what to do.
    pub(super) fn client(&self) -> Command {
        let mut client = java(&self.folder, &[], "org.apache.flink.client.cli.CliFrontend");
        client.env("FLINK_CONF_DIR", &self.folder);
        client
    }

    /// Starts the task manager again where it has died, as a supervisor would.
    pub(super) fn look(&mut self) -> Result<()> {
        if self.job_manager.ended()?.is_some() {
            bail!(
                "the job manager has ended; {} says why",
                self.folder.join("job-manager.log").display()
            );
        }
        if self.task_manager.ended()?.is_some() {
            self.task_manager = start_task_manager(&self.folder)?;
            println!("task manager pid {}", self.task_manager.id());
        }
        Ok(())
    }

    pub(super) fn end(self) -> Result<()> {
        self.task_manager.end(END)?;
        self.job_manager.end(END)?;
        fs::remove_dir_all(&self.folder).with_context(|| format!("removing {}", self.folder.display()))
    }
}

fn lib() -> PathBuf {
    repo::target_dir().join("flink-cluster").join("lib")
}

fn lay_out(folder: &Path, rest: SocketAddr, rpc: SocketAddr) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    fs::write(folder.join("log4j2.properties"), LOG4J)?;
    let settings = format!(
        "jobmanager.rpc.address: 127.0.0.1\n\
         jobmanager.rpc.port: {rpc}\n\
         jobmanager.bind-host: 127.0.0.1\n\
         jobmanager.memory.process.size: 1200m\n\
         rest.address: 127.0.0.1\n\
         rest.bind-address: 127.0.0.1\n\
         rest.port: {rest}\n\
         taskmanager.host: 127.0.0.1\n\
         taskmanager.bind-host: 127.0.0.1\n\
         taskmanager.numberOfTaskSlots: 4\n\
         taskmanager.memory.process.size: 1600m\n\
         parallelism.default: 2\n\
         state.backend.type: rocksdb\n\
         execution.checkpointing.interval: 1s\n\
         execution.checkpointing.dir: file://{checkpoints}\n\
         heartbeat.interval: 1s\n\
         heartbeat.timeout: 5s\n",
        rpc = rpc.port(),
        rest = rest.port(),
        checkpoints = fs::canonicalize(folder)?.join("checkpoints").display(),
    );
    fs::write(folder.join("config.yaml"), settings).context("writing config.yaml")
}

/// Flink itself computes from the settings how its memory is divided; without that a task manager does not start.
fn start_task_manager(folder: &Path) -> Result<Running> {
    let mut helper = java(folder, &[], "org.apache.flink.runtime.util.bash.BashJavaUtils");
    helper.args([
        "GET_TM_RESOURCE_PARAMS".as_ref(),
        "--configDir".as_ref(),
        folder.as_os_str(),
    ]);
    let said = child::output(&mut helper).context("asking Flink how to divide its memory")?;
    let mut lines = said.lines().filter_map(|line| line.strip_prefix(RESULT));
    let (Some(flags), Some(settings)) = (lines.next(), lines.next()) else {
        bail!("Flink does not say how to divide its memory");
    };
    let flags: Vec<&str> = flags.split_whitespace().collect();
    let mut task = java(
        folder,
        &flags,
        "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
    );
    task.args(["--configDir".as_ref(), folder.as_os_str()]);
    start(
        task.args(settings.split_whitespace()),
        &folder.join("task-manager.log"),
    )
}

fn java(folder: &Path, options: &[&str], class: &str) -> Command {
    let mut java = Command::new("java");
    java.args(options);
    java.arg("--add-exports=java.base/sun.net.util=ALL-UNNAMED");
    java.args(OPENED.map(|package| format!("--add-opens=java.base/{package}=ALL-UNNAMED")));
    java.arg(format!(
        "-Dlog4j2.configurationFile={}",
        folder.join("log4j2.properties").display()
    ));
    java.arg("-cp").arg(lib().join("*")).arg(class);
    java
}

fn start(command: &mut Command, said: &Path) -> Result<Running> {
    let log = File::options()
        .create(true)
        .append(true)
        .open(said)
        .with_context(|| format!("opening {}", said.display()))?;
    command.stdout(log.try_clone()?).stderr(log);
    Running::start(command)
}

/// An address that nobody has at this moment.
fn free() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
