//! A thread that reads one of the two topics, and how others wait for what it has read.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

use crate::log::kafka::client::{Connection, Heard, Kind, Listener, Trouble};

/// The longest that the thread looks away from what others want.
const LOOK: Duration = Duration::from_millis(20);

/// What is asked by starting to read.
pub(super) const START: u64 = 1;

/// Takes what is read.
pub(super) trait Taker: Send + 'static {
    /// A record; an error says in a sentence why reading cannot go on.
    fn take(&mut self, offset: u64, key: &str, value: Option<Vec<u8>>) -> Result<(), String>;

    /// There is nothing more at present.
    fn end(&mut self) -> Result<(), String>;
}

pub(super) struct Reader {
    topic: String,
    progress: Mutex<Progress>,
    changed: Condvar,
}

#[derive(Debug)]
struct Progress {
    /// The offset after the last record that was taken.
    next: u64,
    /// How often the end was asked for, and which of these questions is answered.
    wanted: u64,
    answered: u64,
    /// Why nothing is read, for the time being or for good.
    trouble: Option<String>,
    is_over: bool,
}

impl Reader {
    /// Starts to read from an offset on. Ends when nobody holds the reader any more.
    pub(super) fn start(
        connection: &Connection,
        topic: &str,
        from: u64,
        taker: impl Taker,
    ) -> Result<Arc<Self>, Trouble> {
        let listener = Listener::start(connection, topic)?;
        let reader = Arc::new(Self {
            topic: topic.to_owned(),
            progress: Mutex::new(Progress {
                next: from,
                wanted: START,
                answered: 0,
                trouble: None,
                is_over: false,
            }),
            changed: Condvar::new(),
        });
        let weak = Arc::downgrade(&reader);
        let spawned = thread::Builder::new()
            .name(format!("read-{topic}"))
            .spawn(move || run(&listener, &weak, taker));
        spawned.map_err(|error| Trouble {
            what: format!("no thread to read {topic} with: {error}"),
            remedy: "Let this process have more threads",
            kind: Kind::Standing,
        })?;
        Ok(reader)
    }

    /// Waits until everything that was there at the call was taken; or says why it was not.
    pub(super) fn catch_up(&self, patience: Duration) -> Result<(), String> {
        self.answer(self.ask(), patience)
    }

    /// Asks for the end, to be waited for by [`Reader::answer`]: two topics are read at once.
    pub(super) fn ask(&self) -> u64 {
        let mut progress = self.progress();
        progress.wanted += 1;
        progress.wanted
    }

    /// Waits until everything that was there when this was asked was taken; or says why it was not.
    pub(super) fn answer(&self, asked: u64, patience: Duration) -> Result<(), String> {
        if self.wait(patience, |progress| progress.answered >= asked) {
            return Ok(());
        }
        let trouble = self.trouble();
        Err(trouble.unwrap_or_else(|| format!("{} cannot be read to its end in time", self.topic)))
    }

    /// Waits until this record was taken; false where that takes too long.
    pub(super) fn wait_for(&self, offset: u64, patience: Duration) -> bool {
        self.wait(patience, |progress| progress.next > offset)
    }

    /// Waits for something that changes with what is read.
    pub(super) fn wait_until(&self, patience: Duration, holds: impl Fn() -> bool) -> bool {
        self.wait(patience, |_| holds())
    }

    /// Whether nothing will be read any more.
    pub(super) fn is_over(&self) -> bool {
        self.progress().is_over
    }

    pub(super) fn trouble(&self) -> Option<String> {
        self.progress().trouble.clone()
    }

    fn wait(&self, patience: Duration, holds: impl Fn(&Progress) -> bool) -> bool {
        let until = Instant::now() + patience;
        let mut progress = self.progress();
        loop {
            if holds(&progress) {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || progress.is_over {
                return false;
            }
            progress = self
                .changed
                .wait_timeout(progress, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn change(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.progress());
        self.changed.notify_all();
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn run(listener: &Listener, reader: &Weak<Reader>, mut taker: impl Taker) {
    let mut begun = 0;
    while let Some(reader) = reader.upgrade() {
        let (wanted, next) = {
            let progress = reader.progress();
            (progress.wanted, progress.next)
        };
        // Only an end that comes after reading was begun anew is the end as of now.
        if wanted > begun {
            match listener.read_on(next) {
                Ok(()) => begun = wanted,
                Err(trouble) => reader.change(|progress| progress.trouble = Some(trouble.to_string())),
            }
        }
        let went_on = match listener.next(LOOK) {
            Heard::Note { offset, key, value } => {
                let taken = taker.take(offset, &key, value);
                if taken.is_ok() {
                    reader.change(|progress| {
                        progress.next = offset + 1;
                        progress.trouble = None;
                    });
                }
                taken
            }
            Heard::End => {
                let ended = taker.end();
                reader.change(|progress| {
                    progress.answered = begun;
                    progress.trouble = None;
                });
                ended
            }
            Heard::Nothing => Ok(()),
            Heard::Trouble(trouble) => {
                tracing::debug!(%trouble, topic = reader.topic, "reading goes on when it has passed");
                reader.change(|progress| progress.trouble = Some(trouble.to_string()));
                Ok(())
            }
        };
        if let Err(why) = went_on {
            tracing::error!(why, topic = reader.topic, "the topic is not read any further");
            reader.change(|progress| {
                progress.trouble = Some(why);
                progress.is_over = true;
            });
            return;
        }
    }
}
