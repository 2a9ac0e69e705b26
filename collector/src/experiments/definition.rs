//! One `[[experiment]]`: its own settings, and the readers of its parts in the file's order.

use tiltwise_core::id::UnitKind;
use tiltwise_core::propensity::share_q30;
use tiltwise_core::revision::{PolicyKind, Revision, Sticky};

use super::{Definition, condition, identity, metrics, policy, variants, widths};
use crate::config::document::{Node, Value};
use crate::config::section::Section;
use crate::config::setting::{Misfit, Setting, one_of};
use crate::config::{Problem, Problems, Span};

/// Forgetting by default: markets drift, and a week's half-life still weighs a month of data.
const HALF_LIFE: Span = Span::from_days(7);
/// The share of an adaptive experiment that stays on an even split by default: enough to measure the system's gain.
const COMPARISON_GROUP: f64 = 0.05;

/// Reads one experiment; none where too much is missing to go on.
pub(super) fn read(problems: &mut Problems, mut section: Section, site: &str) -> Option<Definition> {
    let before = problems.len();
    let at = section.at.clone();
    let key = section.need::<String>(
        problems,
        "key",
        "Give the experiment a key that never changes: key = \"hero\"",
    );
    if let Some(key) = &key {
        variants::check_key(problems, key);
    }
    let name = section.get::<String>(problems, "name");
    let Unit(unit) = section.get_or(problems, "unit", Unit(UnitKind::Visitor));
    let variants = variants::read(problems, &mut section);
    let control = variants::control(problems, &mut section, &variants);
    let (policy, (attributes, values)) = policy::read(problems, &mut section, &variants);
    let metrics = metrics::read(problems, &mut section);
    let when = condition::read(problems, &mut section);
    let adaptive = policy.kind != PolicyKind::Fixed;
    let traffic = share(problems, &mut section, "traffic", 1.0, 1.0);
    let comparison = if adaptive { COMPARISON_GROUP } else { 0.0 };
    let comparison = share(problems, &mut section, "comparison_group", comparison, 0.5);
    let StickySetting(sticky) = section.get_or(problems, "sticky", StickySetting(Sticky::Visitor));
    let HalfLife(half_life_ms) = section.get_or(problems, "half_life", HalfLife(HALF_LIFE.ms()));
    let results_every = results_every(problems, &mut section);
    let horizon_units = horizon(problems, &mut section);
    section.finish(problems);
    let (key, window_ms) = (key?.value, metrics.first()?.window_ms);
    let revision = Revision {
        salt: identity::salt(site, &key),
        key,
        unit,
        sticky,
        traffic_q30: share_q30(traffic),
        comparison_q30: share_q30(comparison),
        control,
        variants,
        when,
        attributes,
        policy,
        metrics,
        half_life_ms,
        bucket_ms: results_every.unwrap_or_else(|| widths::bucket_ms(window_ms)),
        fine_ms: widths::fine_ms(window_ms),
        horizon_units,
    };
    // What the core would refuse has been said above, in the file's words; this is the net below.
    if problems.len() == before
        && let Err(error) = revision.check()
    {
        problems.push(Problem {
            at: at.clone(),
            setting: format!("experiment.{}", revision.key),
            value: None,
            what: format!("cannot be compiled: {error}"),
            remedy: "Keep the named quantity within its bounds".into(),
        });
    }
    Some(Definition {
        name: name.unwrap_or_else(|| revision.key.clone()),
        values,
        at,
        id: identity::revision_id(&revision),
        revision,
    })
}

fn share(problems: &mut Problems, section: &mut Section, key: &'static str, default: f64, most: f64) -> f64 {
    let Some(share) = section.found::<f64>(problems, key) else {
        return default;
    };
    if !(0.0..=most).contains(&share.value) {
        share.reject(
            problems,
            "is no share",
            format!("Write a number from 0 to {most}"),
        );
    }
    share.value
}

fn results_every(problems: &mut Problems, section: &mut Section) -> Option<u64> {
    const MS: std::ops::RangeInclusive<u64> = 1_000..=86_400_000;
    let every = section.found::<Span>(problems, "results_every")?;
    if !MS.contains(&every.value.ms()) {
        every.reject(
            problems,
            "is out of reach",
            "Write 1 second to 1 day, or leave it out: a quarter of the window",
        );
    }
    Some(every.value.ms())
}

/// `horizon`: the number of units at which the experiment ends. 0 where it is open-ended.
fn horizon(problems: &mut Problems, section: &mut Section) -> u64 {
    const UNITS: std::ops::RangeInclusive<f64> = 1_000.0..=1e12;
    let Some(horizon) = section.found::<f64>(problems, "horizon") else {
        return 0;
    };
    if !UNITS.contains(&horizon.value) || horizon.value.fract() != 0.0 {
        horizon.reject(
            problems,
            "is no number of units",
            "Write a whole number from 1000, or leave it out: the results are then safe to read for ever",
        );
        return 0;
    }
    horizon.value as u64
}

#[derive(Clone, Copy)]
struct Unit(UnitKind);

impl Setting for Unit {
    fn read(node: &Node) -> Result<Self, Misfit> {
        one_of(
            node,
            &[
                ("visitor", Self(UnitKind::Visitor)),
                ("account", Self(UnitKind::Account)),
            ],
        )
    }
}

#[derive(Clone, Copy)]
struct StickySetting(Sticky);

impl Setting for StickySetting {
    fn read(node: &Node) -> Result<Self, Misfit> {
        one_of(
            node,
            &[
                ("visitor", Self(Sticky::Visitor)),
                ("session", Self(Sticky::Session)),
                ("none", Self(Sticky::None)),
            ],
        )
    }
}

/// A duration, or "none": nothing is forgotten.
#[derive(Clone, Copy)]
struct HalfLife(u64);

impl Setting for HalfLife {
    fn read(node: &Node) -> Result<Self, Misfit> {
        if matches!(&node.value, Value::Text(text) if text == "none") {
            return Ok(Self(0));
        }
        let remedy = "Write \"7d\", or \"none\" to forget nothing; at least 1 second";
        match Span::read(node) {
            Ok(span) if span.ms() >= 1_000 => Ok(Self(span.ms())),
            _ => Err(Misfit::new("is no half-life", remedy)),
        }
    }
}
