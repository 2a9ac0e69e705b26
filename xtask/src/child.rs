//! Programs that we start, each in a process group of its own, so that ending one ends its tree and nothing else.
//!
//! No function here looks for a process by name. What was not started here is never touched.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{io, process};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// The groups that are running now.
static RUNNING: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// Exit code of a program that Ctrl-C ended, by the shells' custom: 128 + SIGINT.
const INTERRUPTED: i32 = 130;

/// What an interruption does instead of ending this program at once.
static GENTLE: Mutex<Option<Box<dyn Fn() + Send>>> = Mutex::new(None);

/// Ends the running children when this program is asked to end, and then ends it.
pub fn end_with_us() -> Result<()> {
    ctrlc::set_handler(|| {
        // Only the first time: who asks twice is in a hurry.
        if let Some(gentle) = GENTLE.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return gentle();
        }
        for group in RUNNING.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            // A group that has just ended by itself is what we want.
            let _ = kill_process_group(*group, Signal::TERM);
        }
        process::exit(INTERRUPTED);
    })
    .context("listening for Ctrl-C")
}

/// From now on the first interruption does this, and it is up to the caller to come to an end; a second one ends
/// everything at once. Needs [`end_with_us`].
pub fn once_interrupted(gentle: impl Fn() + Send + 'static) {
    *GENTLE.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(gentle));
}

/// Runs a program to its end, its output going where ours goes.
pub fn run(command: &mut Command) -> Result<()> {
    let mut running = Running::start(command)?;
    succeeded(command, running.wait()?)
}

/// Runs a program to its end and returns what it wrote to its standard output.
pub fn output(command: &mut Command) -> Result<String> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = Running::start(command)?;
    // Both pipes are drained at once: a child that fills one while we wait for the other would never end.
    let mut errors = running.child.stderr.take();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        if let Some(pipe) = errors.as_mut() {
            let _ = pipe.read_to_string(&mut text);
        }
        text
    });
    let mut text = String::new();
    if let Some(mut pipe) = running.child.stdout.take() {
        pipe.read_to_string(&mut text)
            .with_context(|| format!("reading from {}", spelled(command)))?;
    }
    let status = running.wait()?;
    let errors = reader.join().unwrap_or_default();
    succeeded(command, status).with_context(|| errors.trim().to_owned())?;
    Ok(text)
}

/// Runs a program to its end, shows each line of its standard output and gives it to `see`.
pub fn lines(command: &mut Command, mut see: impl FnMut(&str)) -> Result<ExitStatus> {
    command.stdout(Stdio::piped());
    let mut running = Running::start(command)?;
    if let Some(pipe) = running.child.stdout.take() {
        for line in BufReader::new(pipe).split(b'\n') {
            let line = line.with_context(|| format!("reading from {}", spelled(command)))?;
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            see(&line);
        }
    }
    running.wait().map_err(Into::into)
}

/// A running program, ended with its whole tree when this value is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    group: Pid,
    ended: bool,
}

impl Running {
    pub fn start(command: &mut Command) -> Result<Self> {
        let child = command
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .with_context(|| format!("starting {}", spelled(command)))?;
        let group = Pid::from_child(&child);
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner).push(group);
        Ok(Self {
            child,
            group,
            ended: false,
        })
    }

    /// The process id of the program itself.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it writes, where its output was piped and nobody has taken it yet.
    pub fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        let status = self.child.try_wait()?;
        self.ended |= status.is_some();
        Ok(status)
    }

    /// Asks the program to end, and does not wait.
    pub fn ask_to_end(&self) {
        // One that has just ended by itself is what we want.
        let _ = kill_process(self.group, Signal::TERM);
    }

    /// Asks the program to end and waits for it, but not longer than this. What it has started itself is its own to
    /// end; what is left of that afterwards is ended too.
    pub fn end(mut self, within: Duration) -> Result<()> {
        self.ask_to_end();
        let asked = Instant::now();
        while self.ended()?.is_none() {
            if asked.elapsed() > within {
                bail!(
                    "process {} did not end within {within:?} of being asked to",
                    self.id()
                );
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = kill_process_group(self.group, Signal::KILL);
        Ok(())
    }

    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait()?;
        self.ended = true;
        Ok(status)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|group| *group != self.group);
        if !self.ended {
            let _ = kill_process_group(self.group, Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

fn succeeded(command: &Command, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("{} ended with {status}", spelled(command));
    }
    Ok(())
}

/// The command as one would type it.
fn spelled(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn what_a_program_wrote_comes_back() {
        assert_eq!(output(&mut shell("echo one; echo two >&2")).unwrap(), "one\n");
    }

    #[test]
    fn a_failure_names_the_command_and_shows_what_it_complained_of() {
        let error = format!("{:#}", output(&mut shell("echo broken >&2; exit 3")).unwrap_err());
        assert!(
            error.contains("sh -c") && error.contains("broken") && error.contains('3'),
            "{error}"
        );
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = format!("{:#}", run(&mut Command::new("no-such-program")).unwrap_err());
        assert!(error.contains("no-such-program"), "{error}");
    }

    #[test]
    fn dropping_a_running_program_ends_its_children_too() {
        let mut command = shell("sleep 600 & echo started; wait");
        command.stdout(Stdio::piped());
        let mut running = Running::start(&mut command).unwrap();
        let mut pipe = BufReader::new(running.child.stdout.take().unwrap());
        let mut first = String::new();
        pipe.read_line(&mut first).unwrap();
        drop(running);
        // The pipe ends when the last process that holds it has ended, and `sleep` holds it too.
        assert_eq!(pipe.read_to_string(&mut String::new()).unwrap(), 0);
    }
}
