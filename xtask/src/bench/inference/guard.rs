//! Guardrails: how often one stops an arm that keeps to what it allows, and how soon one that does not.

use std::collections::BTreeMap;

use rand::RngExt;
use tiltwise_core::fit::Source;
use tiltwise_core::infer::guardrail::Look;
use tiltwise_core::join::reward::Worth;
use tiltwise_core::revision::{Metric, OnBreach, Role};

use super::methods::Tracked;
use super::settings::Setting;
use super::world::{SECOND_MS, Simulated, seeded};

/// The guardrail's window and the mean delay of its outcomes, in visitors; the second arm's come in half the time.
const WINDOW: u64 = 500;
const MEAN_DELAY: f64 = 100.0;
/// How often the control does harm, and how much more is allowed.
const BASE: f64 = 0.02;
const ALLOWED_MICROS: u32 = 10_000;
/// Looks are taken as an early look falls due: sixteen in a window.
const EVERY: u64 = WINDOW / 16;

/// One experiment whose second arm does `harm` more harm than the control.
pub fn simulate(setting: &Setting, harm: f64, repetition: u64) -> Vec<Tracked> {
    let mut chance = seeded(setting, repetition);
    let guardrail = Metric {
        role: Role::Guardrail,
        max_increase_micros: ALLOWED_MICROS,
        on_breach: OnBreach::StopVariant,
        ..Metric::rate("refund", WINDOW * SECOND_MS)
    };
    let mut world = Simulated::new(setting, vec![Metric::rate("signup", SECOND_MS), guardrail]);
    let mut waiting: BTreeMap<(u64, usize), _> = BTreeMap::new();
    let is_harmful = harm > f64::from(ALLOWED_MICROS) / 1e6;
    let mut by = [
        "guardrail, matured prefix",
        "guardrail, early looks",
        "guardrail, both",
    ]
    .map(|method| Tracked::new(method, false, is_harmful));
    for visitor in 0..setting.visitors {
        let now_ms = visitor as u64 * SECOND_MS;
        world.refit(visitor, now_ms);
        let exposure = world.decide(&mut chance);
        let signs_up = if chance.random::<f64>() < setting.base {
            1_000_000
        } else {
            0
        };
        let worth = |refund: u32| Worth {
            rewards_micros: vec![signs_up, refund],
            delays: if signs_up > 0 {
                vec![(0, signs_up)]
            } else {
                Vec::new()
            },
        };
        world
            .sums
            .change(&exposure, now_ms, None, Some(&worth(0)), now_ms);
        let (rate, mean) = if exposure.arm == 1 {
            (BASE + harm, MEAN_DELAY / 2.0)
        } else {
            (BASE, MEAN_DELAY)
        };
        if chance.random::<f64>() < rate {
            // Only what comes within the window is harm, so that none is beyond it.
            let delay = (-mean * (1.0 - chance.random::<f64>()).ln()).min(WINDOW as f64 - 1.0);
            let arrives_ms = now_ms + (delay * SECOND_MS as f64) as u64;
            waiting.insert((arrives_ms, visitor), (exposure, worth(0), worth(1_000_000)));
        }
        while let Some(entry) = waiting.first_entry().filter(|entry| entry.key().0 <= now_ms) {
            let ((_, since), (exposure, was, now)) = entry.remove_entry();
            world.sums.change(
                &exposure,
                since as u64 * SECOND_MS,
                Some(&was),
                Some(&now),
                now_ms,
            );
        }
        if (visitor as u64).is_multiple_of(EVERY) {
            look(&world, now_ms, visitor, setting.visitors, &mut by);
        }
    }
    by.into()
}

fn look(world: &Simulated, now_ms: u64, visitor: usize, of: usize, by: &mut [Tracked; 3]) {
    let source = Source {
        revision: world.revision(),
        sums: &world.sums,
    };
    let look = Look {
        today: world.revision(),
        sources: &[source],
        clock_ms: now_ms,
        lateness_ms: 0,
        since_ms: 0,
    };
    let is_breached = |standings: Vec<tiltwise_core::infer::guardrail::Standing>| {
        standings
            .iter()
            .any(tiltwise_core::infer::guardrail::Standing::is_breached)
    };
    let (matured, early) = (is_breached(look.matured()), is_breached(look.early()));
    for (tracked, is_crossed) in by.iter_mut().zip([matured, early, matured || early]) {
        if is_crossed && tracked.crossed() == 0 {
            tracked.cross_at(visitor, of);
        }
    }
}
