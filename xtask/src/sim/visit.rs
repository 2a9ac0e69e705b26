//! One visit: what is shown, and what comes of it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use rand::RngExt;
use rand::rngs::StdRng;
use tiltwise_core::event::Outcome;
use tiltwise_core::revision::PolicyKind;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::Visitors;
use super::tally::Shown;
use crate::edge::decide::Arrival;
use crate::edge::now_ms;
use crate::edge::send::{Answer, Batch, Session, Verdict};

/// One batch in fifty is sent a second time although it was answered, as a page does whose answer got lost.
const SENT_TWICE: f64 = 0.02;

/// How long a batch is tried.
const PATIENCE: Duration = Duration::from_secs(30);

/// An outcome that will happen.
struct Intent {
    at: Instant,
    answer: usize,
    variant: String,
    amount: f64,
    reward: f64,
}

impl Visitors {
    /// A visitor comes, is shown something, and perhaps does something.
    pub(super) async fn visit(
        self: Arc<Self>,
        mut chance: StdRng,
        mut stop: watch::Receiver<bool>,
    ) -> Result<()> {
        let arrival = Arrival::mint(now_ms(), &mut chance);
        let mut session = Session::new(arrival);
        let mut exposures = session.batch();
        let mut intents = self.arrive(&arrival, &mut exposures, &mut chance)?;
        self.send(&exposures, &mut chance).await;
        intents.sort_by_key(|intent| intent.at);
        for intent in intents {
            // Leaving ends the wait; a visitor who has left does nothing more.
            if *stop.borrow()
                || timeout_at(intent.at, stop.wait_for(|stopped| *stopped))
                    .await
                    .is_ok()
            {
                break;
            }
            self.act(&mut session, &intent, &mut chance).await;
        }
        Ok(())
    }

    /// Decides every experiment and draws what will come of it.
    fn arrive(&self, arrival: &Arrival, batch: &mut Batch, chance: &mut StdRng) -> Result<Vec<Intent>> {
        let context = self.truth.context(chance);
        let weights = self.edge.weights();
        let mut intents = Vec::new();
        self.tally(|tally| tally.counts.visitors += 1);
        for (index, answer) in self.truth.experiment.iter().enumerate() {
            let place = weights.content.find(&answer.key);
            let Some(experiment) = place.and_then(|place| weights.content.experiments.get(place)) else {
                continue;
            };
            let Ok(exposure) = arrival.decide(experiment, &context, weights.version, now_ms()) else {
                continue;
            };
            let arm = exposure.arm as usize;
            batch.exposure(exposure);

            let segment = answer.segment_of(&context);
            let chances = answer.chances(segment, &experiment.revision, self.drifted())?;
            let worth = answer.worth(&experiment.revision);
            let expected: Vec<f64> = chances.iter().map(|chance| chance * worth).collect();
            let variant = experiment
                .revision
                .variants
                .get(arm)
                .map_or("", |variant| &variant.key);
            let shown = Shown {
                experiment: &answer.key,
                segment,
                variant,
                arm,
                expected: &expected,
                learns: experiment.revision.policy.kind != PolicyKind::Fixed,
            };
            self.tally(|tally| tally.shown(&shown));

            if chances
                .get(arm)
                .is_some_and(|&rate| chance.random::<f64>() < rate)
            {
                let amount = answer.amount(chance);
                let cap = experiment.revision.metric().cap_micros as f64 / 1e6;
                let reward = if cap > 0.0 { (amount / cap).min(1.0) } else { 1.0 };
                let at = Instant::now() + Duration::from_secs_f64(self.truth.delay_s(chance));
                intents.push(Intent {
                    at,
                    answer: index,
                    variant: variant.to_owned(),
                    amount,
                    reward,
                });
            }
        }
        Ok(intents)
    }

    async fn act(&self, session: &mut Session, intent: &Intent, chance: &mut StdRng) {
        let Some(truth) = self.truth.experiment.get(intent.answer) else {
            return;
        };
        let mut batch = session.batch();
        let currency = truth.value.as_ref().map_or("", |amount| &amount.currency);
        batch.outcome(Outcome {
            name: &truth.event,
            value: intent.amount,
            currency,
            id: "",
        });
        let Some(answer) = self.send(&batch, chance).await else {
            return;
        };
        if answer
            .verdicts
            .iter()
            .all(|verdict| matches!(verdict, Verdict::Accepted | Verdict::Duplicate))
        {
            self.tally(|tally| tally.earned(&truth.key, &intent.variant, intent.reward));
            self.edge
                .latency(|latency| latency.acknowledged(answer.sent_at, answer.received_ms));
        }
    }

    /// Sends a batch, now and then twice, and notes what became of it.
    async fn send(&self, batch: &Batch, chance: &mut StdRng) -> Option<Answer> {
        let twice = chance.random::<f64>() < SENT_TWICE;
        if batch.is_empty() {
            return None;
        }
        self.tally(|tally| tally.counts.sent += batch.len() as u64);
        let Ok(answer) = batch.send(&self.edge.door, PATIENCE).await else {
            self.tally(|tally| tally.counts.dropped += batch.len() as u64);
            return None;
        };
        self.tally(|tally| tally.answered(&answer));
        if twice && let Ok(again) = batch.send(&self.edge.door, PATIENCE).await {
            self.tally(|tally| tally.answered_again(&again.verdicts));
        }
        Some(answer)
    }
}
