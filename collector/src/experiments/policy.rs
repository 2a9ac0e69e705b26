//! `policy` and `min_propensity`: the rule that chooses.

use tiltwise_core::propensity::{Arms, ONE_Q30, quantise, share_q30};
use tiltwise_core::revision::{Attribute, Policy, PolicyKind, Variant};

use super::{Values, attributes, variants};
use crate::config::Problems;
use crate::config::document::Node;
use crate::config::section::{Found, Section};
use crate::config::setting::{Misfit, Setting, one_of};

/// The default floors. A contextual policy pays for its floor in every context: .01 cost 1.4 to 4 points of reward on
/// real data. Below .05 the per-variant asymptotic test is off, so the others keep to that.
const MIN_PROPENSITY: f64 = 0.05;
const MIN_PROPENSITY_CONTEXTUAL: f64 = 0.01;

/// How far from 1 declared weights may add up: the rounding of a few decimal fractions.
const WEIGHT_SLACK: f64 = 1e-9;

#[derive(Clone, Copy)]
struct Kind(PolicyKind);

impl Setting for Kind {
    fn read(node: &Node) -> Result<Self, Misfit> {
        one_of(
            node,
            &[
                ("fixed", Self(PolicyKind::Fixed)),
                ("thompson", Self(PolicyKind::Thompson)),
                ("contextual", Self(PolicyKind::Contextual)),
                ("best-arm", Self(PolicyKind::BestArm)),
            ],
        )
    }
}

/// Reads the policy and the attributes it looks at.
pub(super) fn read(
    problems: &mut Problems,
    section: &mut Section,
    variants: &[Variant],
) -> (Policy, (Vec<Attribute>, Values)) {
    let mut table = section.section(problems, "policy");
    let remedy = "Write policy = { kind = \"thompson\" }, or \"contextual\", \"best-arm\", \"fixed\"";
    let kind = table
        .need::<Kind>(problems, "kind", remedy)
        .map(|found| found.value.0);
    let floor = section.found::<f64>(problems, "min_propensity");
    let mut policy = Policy {
        kind: kind.unwrap_or_default(),
        ..Policy::default()
    };
    let mut seen = (Vec::new(), Values::new());
    match kind {
        Some(PolicyKind::Fixed) => policy.weights_q30 = weights(problems, &mut table, variants),
        Some(PolicyKind::Thompson) => seen = attributes::segments(problems, &mut table),
        Some(PolicyKind::Contextual) => seen = attributes::contextual(problems, &mut table),
        Some(PolicyKind::BestArm) => {}
        // Which other entries belong here is unknown as long as the kind is.
        None => return (policy, seen),
    }
    policy.min_propensity_q30 = min_propensity(problems, policy.kind, floor.as_ref(), variants.len());
    table.finish(problems);
    (policy, seen)
}

fn min_propensity(
    problems: &mut Problems,
    kind: PolicyKind,
    written: Option<&Found<f64>>,
    arms: usize,
) -> u32 {
    let default = match kind {
        PolicyKind::Fixed => {
            if let Some(written) = written {
                written.reject(
                    problems,
                    "does not apply to a fixed policy",
                    "Remove it: the weights say it all",
                );
            }
            return 0;
        }
        PolicyKind::Contextual => MIN_PROPENSITY_CONTEXTUAL,
        PolicyKind::Thompson | PolicyKind::BestArm => MIN_PROPENSITY,
    };
    // A default never makes an error of its own: with many variants it gives way to an even split's half.
    let Some(written) = written else {
        return share_q30(default.min(0.5 / arms.max(1) as f64));
    };
    let floor = written.value;
    if !(0.0..=1.0).contains(&floor) {
        written.reject(
            problems,
            "is no probability",
            "Write a number from 0 to 1, like 0.05",
        );
    } else if u64::from(share_q30(floor)) * arms as u64 > u64::from(ONE_Q30) {
        let most = 1.0 / arms.max(1) as f64;
        let remedy = format!("Write at most {:.4}", (most * 1e4).floor() / 1e4);
        written.reject(problems, format!("times {arms} variants is above 1"), remedy);
    }
    share_q30(floor)
}

/// Declared weights as exact integers; without any, an even split.
fn weights(problems: &mut Problems, table: &mut Section, variants: &[Variant]) -> Vec<u32> {
    let even = vec![1.0; variants.len()];
    let Some(node) = table.take("weights") else {
        return quantise(&even, Arms::of(even.len(), |_| true), 0);
    };
    let setting = table.setting("weights");
    let mut weights = vec![None; variants.len()];
    let crate::config::document::Value::Table(entries) = &node.value else {
        let remedy = "Write one number a variant: weights = { calm = 0.5, bold = 0.5 }";
        problems.push(Misfit::new("is no table", remedy).of(&setting, &node));
        return Vec::new();
    };
    for (key, entry) in entries {
        let setting = format!("{setting}.{key}");
        let Some(index) = variants.iter().position(|variant| variant.key == *key) else {
            problems.push(
                Misfit::new("is for no variant", variants::unknown_variant(key, variants))
                    .of(&setting, entry),
            );
            continue;
        };
        let weight = f64::read(entry).and_then(|weight| {
            let remedy =
                "Write a number above 0 and at most 1; to show a variant to nobody, stop it or leave it out";
            if weight > 0.0 && weight <= 1.0 {
                Ok(weight)
            } else {
                Err(Misfit::new("is no share", remedy))
            }
        });
        match (weight, weights.get_mut(index)) {
            (Ok(weight), Some(slot)) => *slot = Some(weight),
            (Err(misfit), Some(slot)) => {
                problems.push(misfit.of(&setting, entry));
                // Its sum is not to be complained about as well.
                *slot = Some(f64::NAN);
            }
            (_, None) => {}
        }
    }
    for (variant, weight) in variants.iter().zip(&weights) {
        if weight.is_none() {
            let what = format!("has no weight for \"{}\"", variant.key);
            problems
                .push(Misfit::new(what, "Write one number a variant; they add up to 1").of(&setting, &node));
        }
    }
    let weights: Vec<f64> = weights.into_iter().flatten().collect();
    let sum: f64 = weights.iter().sum();
    if weights.len() == variants.len() && (sum - 1.0).abs() > WEIGHT_SLACK {
        let what = format!("adds up to {}", (sum * 1e9).round() / 1e9);
        problems.push(Misfit::new(what, "Make the weights add up to 1").of(&setting, &node));
    }
    quantise(&weights, Arms::of(weights.len(), |_| true), 0)
}
