//! How those who wait for a commit are told of it.
//!
//! To wake a thread of the doors is a system call, and a thread that is woken for one answer sleeps again before the next
//! one is sent: answered one by one, a group of thirty batches cost thirty switches of context. So the committer tells one
//! of those who wait, and gives it the answers of the others to pass on: they are tasks of the same runtime, where waking
//! is cheap. Nobody can lose the others' answers: they are passed on by being dropped.
//!
//! With an answer its parts go back. They are freed by those who made them then: the allocator keeps what a thread frees
//! for that thread's next request, and one thread that frees what others have made has no use for it.

use std::{
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::sync::oneshot;

use super::{LogError, Part, Receipt};

type Answer = Result<Receipt, LogError>;

/// An append on its way: its answer comes when it is on disk, and not before.
#[derive(Debug)]
pub struct Pending(oneshot::Receiver<Handed>);

/// Where an answer is awaited.
#[derive(Debug)]
pub(super) struct Reply(oneshot::Sender<Handed>);

/// An answer, to whom it is due, and what was appended.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) reply: Reply,
    pub(super) answer: Answer,
    pub(super) parts: Vec<Part>,
}

#[derive(Debug)]
struct Handed {
    answer: Answer,
    /// Only to be freed.
    parts: Vec<Part>,
    others: Others,
}

/// Answers of others, which are told when this is dropped.
#[derive(Debug, Default)]
struct Others(Vec<Told>);

pub(super) fn pending() -> (Reply, Pending) {
    let (reply, answer) = oneshot::channel();
    (Reply(reply), Pending(answer))
}

/// Tells everybody, by telling one.
pub(super) fn tell(mut answers: Vec<Told>) {
    while let Some(Told { reply, answer, parts }) = answers.pop() {
        let others = Others(answers);
        // Whose connection broke has nobody left to hear the answer; it will send again and be recognised.
        let Err(mut unheard) = reply.0.send(Handed {
            answer,
            parts,
            others,
        }) else {
            return;
        };
        answers = mem::take(&mut unheard.others.0);
    }
}

impl Reply {
    pub(super) fn send(self, answer: Answer) {
        tell(vec![Told {
            reply: self,
            answer,
            parts: Vec::new(),
        }]);
    }
}

impl Drop for Others {
    fn drop(&mut self) {
        for Told { reply, answer, parts } in self.0.drain(..) {
            let others = Self::default();
            let _ = reply.0.send(Handed {
                answer,
                parts,
                others,
            });
        }
    }
}

impl Future for Pending {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        Poll::Ready(answer(ready!(Pin::new(&mut self.0).poll(context))))
    }
}

impl Pending {
    /// Waits outside of a runtime.
    pub fn wait(self) -> Answer {
        answer(self.0.blocking_recv())
    }
}

/// Drops the answers of the others.
fn answer(handed: Result<Handed, oneshot::error::RecvError>) -> Answer {
    handed.map_or_else(
        |_| Err(LogError::closed("the committer has stopped")),
        |handed| {
            drop(handed.parts);
            handed.answer
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_who_still_waits_is_told_whoever_has_left() {
        for gone in 0_u32..1 << 4 {
            let (replies, mut waiting): (Vec<_>, Vec<_>) = (0..4).map(|_| pending()).unzip();
            let answers = replies.into_iter().zip(0..).map(|(reply, end)| {
                let (fresh, parts) = (Vec::new(), Vec::new());
                let answer = Ok(Receipt { fresh, end });
                Told { reply, answer, parts }
            });
            let answers: Vec<_> = answers.collect();
            let has_gone = |place: u64| gone >> place & 1 == 1;
            // The last is told first and passes on; it may leave before it was told, or without having listened.
            let told_first = waiting.pop().filter(|_| !has_gone(3));
            let mut waiting: Vec<_> = waiting
                .into_iter()
                .zip(0..)
                .filter(|(_, place)| !has_gone(*place))
                .collect();
            tell(answers);
            drop(told_first);
            for (pending, place) in waiting.drain(..).rev() {
                assert_eq!(pending.wait().unwrap().end, place, "{gone:04b}");
            }
        }
    }
}
