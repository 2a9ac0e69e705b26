//! How long a connection may take to send a request's head.
//!
//! Hyper asks for a timer with every request and drops it when the head is there. A timer of the runtime costs a system
//! call then: it lies before all others, so whoever sleeps until the next one must be woken. So what hyper gets is only a
//! note of the deadline, and a connection keeps one timer that goes off at the first of them and looks whether it still
//! holds: one timer for each connection and patience, however many requests come in that time.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Instant,
};

use hyper::rt::{Sleep, Timer};
use tokio::time;

/// The least that an alarm is ahead.
const AGAIN: time::Duration = time::Duration::from_millis(1);

/// Until when the connection's next head must be there; nothing while none is awaited.
#[derive(Debug, Clone, Default)]
pub(super) struct Patience(Arc<Mutex<Option<Instant>>>);

impl Patience {
    /// Drives a connection that has this as its timer, so that hyper notices a deadline when it has passed.
    pub(super) async fn drive<C: Future>(self, connection: C) {
        let mut connection = pin!(connection);
        let mut alarm = pin!(time::sleep_until(time::Instant::now()));
        let mut is_set = false;
        poll_fn(|context| {
            loop {
                if connection.as_mut().poll(context).is_ready() {
                    return Poll::Ready(());
                }
                if is_set && !alarm.is_elapsed() {
                    return Poll::Pending;
                }
                let Some(deadline) = *self.lock() else {
                    is_set = false;
                    return Poll::Pending;
                };
                // Where it has passed since hyper looked, hyper is to look again.
                let next = deadline.max(Instant::now() + AGAIN);
                alarm.as_mut().reset(next.into());
                is_set = true;
                if alarm.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
            }
        })
        .await;
    }

    fn set(&self, deadline: Option<Instant>) {
        *self.lock() = deadline;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Timer for Patience {
    fn sleep(&self, duration: time::Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.set(Some(deadline));
        Box::pin(Wait {
            patience: self.clone(),
            deadline,
        })
    }
}

/// What hyper polls. It wakes nobody: the connection's alarm does.
struct Wait {
    patience: Patience,
    deadline: Instant,
}

impl Sleep for Wait {}

impl Future for Wait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= self.deadline {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.patience.set(None);
    }
}
