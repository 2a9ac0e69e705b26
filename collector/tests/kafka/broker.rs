//! A real broker, started by `cargo xtask kafka`, which starts it again when it was killed.

use std::{
    env,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::proxy::Proxy;

/// Far longer than a loaded machine needs to start a broker.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Broker {
    supervisor: Child,
    pid: Arc<Mutex<Option<u32>>>,
    /// What clients reach it through.
    pub proxy: Proxy,
    /// What it says of its listener that demands TLS and a password: address, user, password, certificate.
    pub secure: Vec<String>,
    _folder: TempDir,
}

impl Broker {
    /// Starts one, and waits until it listens.
    pub fn start() -> Self {
        Self::start_and_set(&[])
    }

    /// The same, with settings of its own.
    pub fn start_and_set(settings: &[&str]) -> Self {
        let set: Vec<&str> = settings.iter().flat_map(|setting| ["--set", setting]).collect();
        Self::start_behind(&set, true)
    }

    /// The same, with more arguments, and reached directly.
    pub fn start_with(more: &[&str]) -> Self {
        Self::start_behind(more, false)
    }

    fn start_behind(more: &[&str], proxied: bool) -> Self {
        let folder = TempDir::new().unwrap();
        let proxy = Proxy::start();
        let mut command = Command::new(variable("KAFKA_XTASK"));
        command.args([
            "kafka",
            "--revive",
            "--as-long-as",
            &std::process::id().to_string(),
        ]);
        command.arg("--folder").arg(folder.path());
        if proxied {
            command.arg("--set");
            command.arg(format!("advertised.listeners=PLAINTEXT://{}", proxy.address()));
        }
        command.args(more);
        let mut supervisor = command.stdout(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(supervisor.stdout.take().unwrap());
        let pid = Arc::new(Mutex::new(None));
        let (address, seen) = (Arc::new(Mutex::new(None)), pid.clone());
        let found = address.clone();
        let secure: Arc<Mutex<Vec<String>>> = Arc::default();
        let listener = secure.clone();
        thread::spawn(move || {
            for line in said.lines().map_while(Result::ok) {
                let words: Vec<&str> = line.split(' ').collect();
                match words.as_slice() {
                    ["broker", _, "pid", pid, ..] => *seen.lock().unwrap() = pid.parse().ok(),
                    ["secure", said @ ..] => {
                        *listener.lock().unwrap() = said.iter().map(ToString::to_string).collect();
                    }
                    ["kafka", address] => *found.lock().unwrap() = address.parse::<SocketAddr>().ok(),
                    _ => {}
                }
            }
        });
        let address = within(PATIENCE, || *address.lock().unwrap());
        let secure = secure.lock().unwrap().clone();
        proxy.lead_to(address);
        Self {
            supervisor,
            pid,
            proxy,
            secure,
            _folder: folder,
        }
    }

    pub fn address(&self) -> String {
        self.proxy.address().to_string()
    }

    /// SIGKILL; the supervisor starts it again.
    pub fn kill(&self) {
        let pid = self.pid.lock().unwrap().take();
        send("-KILL", pid);
        let _: u32 = within(PATIENCE, || *self.pid.lock().unwrap());
    }

    /// SIGSTOP for so long.
    pub fn pause(&self, lasts: Duration) {
        let pid = *self.pid.lock().unwrap();
        send("-STOP", pid);
        thread::sleep(lasts);
        send("-CONT", pid);
    }
}

fn send(signal: &str, pid: Option<u32>) {
    let told = Command::new("kill")
        .args([signal, &pid.unwrap().to_string()])
        .status();
    assert!(told.unwrap().success());
}

impl Drop for Broker {
    fn drop(&mut self) {
        let told = Command::new("kill")
            .arg(self.supervisor.id().to_string())
            .status();
        if told.is_ok_and(|status| status.success()) {
            let _ = self.supervisor.wait();
        }
    }
}

pub fn lib() -> PathBuf {
    variable("KAFKA_LIB").into()
}

pub fn variable(name: &str) -> String {
    env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: run this by `cargo xtask test --only kafka`"))
}

/// What comes, within this time.
pub fn within<T>(patience: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < patience, "nothing came within {patience:?}");
        thread::sleep(Duration::from_millis(10));
    }
}
