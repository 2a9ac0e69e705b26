//! What is simulated.

use tiltwise_core::revision::PolicyKind;

use super::methods::Tracked;
use super::{guard, world};

/// One kind of experiment.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    pub name: &'static str,
    pub policy: PolicyKind,
    /// What a visitor of the control brings: the rate of conversions.
    pub base: f64,
    /// What the second arm brings beyond that.
    pub effect: f64,
    pub visitors: usize,
    pub world: World,
}

/// How the world differs from the plainest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum World {
    Plain,
    /// The base rate rises to three times itself in the second half.
    Drift,
    /// Outcomes come late, by up to a window of 500 visitors.
    Delay,
    /// A conversion is worth a lognormal amount (σ = 1.5), capped at five times its median.
    Revenue,
    /// A guardrail whose outcomes come late: the second arm does this much more of it, in thousandths.
    Guardrail(u32),
    /// One exposure of the second arm in so many never arrives.
    Lost(u32),
}

/// Visitors of an experiment; at a base rate of 1 % four times as many, or there would be nothing to see.
const VISITORS: usize = 5_000;

pub fn all() -> Vec<Setting> {
    use PolicyKind::{BestArm, Contextual, Fixed, Thompson};
    let setting = |name, policy, base, effect, world| Setting {
        name,
        policy,
        base,
        effect,
        visitors: if base < 0.05 { 4 * VISITORS } else { VISITORS },
        world,
    };
    vec![
        setting("fixed 10 %", Fixed, 0.1, 0.0, World::Plain),
        setting("fixed 10 % + 3 points", Fixed, 0.1, 0.03, World::Plain),
        setting("thompson 10 %", Thompson, 0.1, 0.0, World::Plain),
        setting("thompson 10 % + 3 points", Thompson, 0.1, 0.03, World::Plain),
        setting("contextual 10 %", Contextual, 0.1, 0.0, World::Plain),
        setting("contextual 10 % + 3 points", Contextual, 0.1, 0.03, World::Plain),
        setting("best-arm 10 %", BestArm, 0.1, 0.0, World::Plain),
        setting("best-arm 10 % + 3 points", BestArm, 0.1, 0.03, World::Plain),
        setting("fixed 1 %", Fixed, 0.01, 0.0, World::Plain),
        setting("fixed 1 % + 0.5 points", Fixed, 0.01, 0.005, World::Plain),
        setting("thompson 1 %", Thompson, 0.01, 0.0, World::Plain),
        setting("thompson 1 % + 0.5 points", Thompson, 0.01, 0.005, World::Plain),
        setting("fixed 50 %", Fixed, 0.5, 0.0, World::Plain),
        setting("fixed 50 % + 5 points", Fixed, 0.5, 0.05, World::Plain),
        setting("thompson 50 %", Thompson, 0.5, 0.0, World::Plain),
        setting("thompson 50 % + 5 points", Thompson, 0.5, 0.05, World::Plain),
        setting("thompson 10 %, drift", Thompson, 0.1, 0.0, World::Drift),
        setting(
            "thompson 10 % + 3 points, drift",
            Thompson,
            0.1,
            0.03,
            World::Drift,
        ),
        setting("contextual 10 %, drift", Contextual, 0.1, 0.0, World::Drift),
        setting("thompson 10 %, delay", Thompson, 0.1, 0.0, World::Delay),
        setting(
            "thompson 10 % + 3 points, delay",
            Thompson,
            0.1,
            0.03,
            World::Delay,
        ),
        setting("fixed 10 %, revenue", Fixed, 0.1, 0.0, World::Revenue),
        setting("fixed 10 % + 3 points, revenue", Fixed, 0.1, 0.03, World::Revenue),
        setting("thompson 10 %, revenue", Thompson, 0.1, 0.0, World::Revenue),
        setting(
            "thompson 10 % + 3 points, revenue",
            Thompson,
            0.1,
            0.03,
            World::Revenue,
        ),
        setting(
            "guardrail, as much harm as is allowed",
            Thompson,
            0.1,
            0.0,
            World::Guardrail(10),
        ),
        setting("guardrail, no harm", Thompson, 0.1, 0.0, World::Guardrail(0)),
        setting(
            "guardrail, 5 points more harm",
            Thompson,
            0.1,
            0.0,
            World::Guardrail(50),
        ),
        setting(
            "fixed 10 %, a quarter of an arm lost",
            Fixed,
            0.1,
            0.0,
            World::Lost(4),
        ),
        setting(
            "thompson 10 %, a quarter of an arm lost",
            Thompson,
            0.1,
            0.0,
            World::Lost(4),
        ),
    ]
}

impl Setting {
    /// By how much the base rate has risen by this visitor.
    pub(super) fn drifted(&self, visitor: usize) -> f64 {
        if self.world == World::Drift && visitor >= self.visitors / 2 {
            3.0
        } else {
            1.0
        }
    }

    /// One experiment, and what every method made of it.
    pub(super) fn simulate(&self, repetition: u64) -> Vec<Tracked> {
        if let World::Guardrail(harm) = self.world {
            return guard::simulate(self, f64::from(harm) / 1_000.0, repetition);
        }
        world::simulate(self, repetition)
    }
}
