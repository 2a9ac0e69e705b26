//! How long a connection may take to send a request's head.
//!
//! Hyper asks for a timer with every request and drops it when the head is there. A timer of the runtime costs a system
//! call then: it lies before all others, so whoever sleeps until the next one must be woken. So what hyper gets is only a
//! note of the deadline, and a connection keeps one timer that goes off at the first of them and looks whether it still
//! holds: one timer for each connection and patience, however many requests come in that time.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Instant,
};

use hyper::rt::{Sleep, Timer};
use tokio::time;

/// The least that an alarm is ahead.
const AGAIN: time::Duration = time::Duration::from_millis(1);

/// No head is awaited.
const NEVER: u64 = u64::MAX;

/// Until when the connection's next head must be there.
#[derive(Debug, Clone)]
pub(super) struct Patience(Arc<Awaited>);

/// One task reads and writes it, the connection's: it needs no order among its parts, and no lock.
#[derive(Debug)]
struct Awaited {
    opened: Instant,
    /// Microseconds since it was opened; [`NEVER`] while no head is awaited.
    deadline_us: AtomicU64,
    /// The alarm has found the deadline passed.
    is_over: AtomicBool,
}

impl Default for Patience {
    fn default() -> Self {
        Self(Arc::new(Awaited {
            opened: Instant::now(),
            deadline_us: NEVER.into(),
            is_over: false.into(),
        }))
    }
}

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
                is_set = false;
                let Some(deadline) = self.deadline() else {
                    return Poll::Pending;
                };
                let now = Instant::now();
                if deadline <= now {
                    // Hyper is to look again, once.
                    if self.0.is_over.swap(true, Relaxed) {
                        return Poll::Pending;
                    }
                    continue;
                }
                alarm.as_mut().reset(deadline.max(now + AGAIN).into());
                is_set = true;
                if alarm.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
            }
        })
        .await;
    }

    fn deadline(&self) -> Option<Instant> {
        let us = self.0.deadline_us.load(Relaxed);
        (us != NEVER).then(|| self.0.opened + time::Duration::from_micros(us))
    }

    fn set(&self, deadline_us: u64) {
        self.0.deadline_us.store(deadline_us, Relaxed);
        self.0.is_over.store(false, Relaxed);
    }
}

impl Timer for Patience {
    fn sleep(&self, duration: time::Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        let ahead = deadline.saturating_duration_since(self.0.opened).as_micros();
        self.set(u64::try_from(ahead).unwrap_or(NEVER));
        Box::pin(Wait(self.clone()))
    }
}

/// What hyper polls. It wakes nobody, and asks no clock: the connection's alarm does.
struct Wait(Patience);

impl Sleep for Wait {}

impl Future for Wait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0.0.is_over.load(Relaxed) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.0.set(NEVER);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    const SOON: time::Duration = time::Duration::from_millis(30);

    #[tokio::test]
    async fn a_head_that_does_not_come_ends_the_connection_when_its_time_is_over_and_not_before() {
        let patience = Patience::default();
        let deadline = Instant::now() + SOON;
        patience.clone().drive(patience.sleep_until(deadline)).await;
        assert!(Instant::now() >= deadline);
    }

    #[tokio::test]
    async fn a_head_that_came_gives_the_next_one_its_own_time() {
        let patience = Patience::default();
        let (first, second) = (Instant::now() + SOON, Instant::now() + 3 * SOON);
        let (come, head) = oneshot::channel();
        let timer = patience.clone();
        let connection = async move {
            let awaited = timer.sleep_until(first);
            head.await.unwrap();
            drop(awaited);
            timer.sleep_until(second).await;
        };
        let driven = tokio::spawn(patience.drive(connection));
        come.send(()).unwrap();
        driven.await.unwrap();
        assert!(Instant::now() >= second);
    }
}
