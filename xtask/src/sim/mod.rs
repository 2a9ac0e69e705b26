//! Simulated visitors: real traffic through the real door, with a truth that is known.
//!
//! Each visitor is an edge of its own: an id minted now, a session, attributes drawn from the declared spread, decisions
//! by the core with the newest weights, exposures at once and outcomes seconds later ([`visit`]). What works for whom is
//! declared in [`truth`]; what was sent, acknowledged and earned is kept in [`tally`]. Chance is seeded.

pub mod tally;
pub mod truth;
mod visit;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::edge::follow::Edge;

use self::tally::Tally;
use self::truth::Truth;

/// How often visitors arrive, in groups: short enough that a rate of hundreds a second looks even.
const TICK: Duration = Duration::from_millis(20);

/// What a run of visitors is asked to do.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Events a second, exposures and outcomes together.
    pub rate: f64,
    /// When the truth switches, if it does.
    pub drift_after: Option<Duration>,
}

/// The visitors of one site.
#[derive(Debug)]
pub struct Visitors {
    edge: Arc<Edge>,
    truth: Truth,
    tally: Mutex<Tally>,
    plan: Plan,
    started: Instant,
}

impl Visitors {
    /// Checks that the truth and the served experiments speak of the same variants.
    pub fn new(edge: Arc<Edge>, truth: Truth, plan: Plan) -> Result<Arc<Self>> {
        let weights = edge.weights();
        for answer in &truth.experiment {
            let place = weights.content.find(&answer.key);
            let experiment = place.and_then(|place| weights.content.experiments.get(place));
            answer.check(
                &experiment
                    .with_context(|| format!("{} is not served", answer.key))?
                    .revision,
            )?;
        }
        Ok(Arc::new(Self {
            edge,
            truth,
            tally: Mutex::default(),
            plan,
            started: Instant::now(),
        }))
    }

    /// Sends visitors until told to stop, then waits for what is in flight. Outcomes that are still to come then never
    /// happen: their visitors have left.
    pub async fn run(self: &Arc<Self>, stop: watch::Receiver<bool>) -> Result<()> {
        let mut chance = StdRng::seed_from_u64(self.truth.seed);
        let mut visits = JoinSet::new();
        let mut ticks = interval(TICK);
        // A late tick makes up for what it missed, so that the rate is the rate.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let start = Instant::now();
        let mut arrived = 0;
        while !*stop.borrow() {
            ticks.tick().await;
            let due = (start.elapsed().as_secs_f64() * self.plan.rate / self.events_a_visitor()) as u64;
            for _ in arrived..due {
                let visit = Arc::clone(self).visit(StdRng::seed_from_u64(chance.random()), stop.clone());
                visits.spawn(visit);
            }
            arrived = arrived.max(due);
            while let Some(ended) = visits.try_join_next() {
                ended??;
            }
        }
        while let Some(ended) = visits.join_next().await {
            ended??;
        }
        Ok(())
    }

    /// Looks at the record, or adds to it.
    pub fn tally<T>(&self, look: impl FnOnce(&mut Tally) -> T) -> T {
        look(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many events a visitor has sent on average: an exposure an experiment until the first outcomes are in.
    fn events_a_visitor(&self) -> f64 {
        self.tally(|tally| {
            if tally.counts.visitors < 200 {
                self.truth.experiment.len() as f64
            } else {
                tally.counts.sent as f64 / tally.counts.visitors as f64
            }
        })
    }

    fn drifted(&self) -> bool {
        self.plan
            .drift_after
            .is_some_and(|after| self.started.elapsed() >= after)
    }
}
