//! What is answered, as objects for people.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Serialize;
use tiltwise_core::context::{Context, ContextValue};
use tiltwise_core::decide::{Held, Prepared};
use tiltwise_core::event::Exposure;
use tiltwise_core::features::encode;
use tiltwise_core::id::UnitKind;
use tiltwise_core::revision::{Attribute, Condition, Operator, Value};
use tiltwise_core::snapshot::Experiment;
use tiltwise_core::targeting::matches;

use super::{hex, keys, phase, policy, probability};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Explanation {
    experiment: String,
    revision: String,
    pub model_version: String,
    policy: &'static str,
    phase: &'static str,
    unit: &'static str,
    eligible: bool,
    condition: Option<ConditionExplained>,
    pub personalized: bool,
    features: Vec<FeatureExplained>,
    arms: Vec<ArmExplained>,
    comparison_group: bool,
    episode: Option<String>,
    draw: Option<f64>,
    drawn: Option<String>,
    pub shown: Option<String>,
    why: String,
}

#[derive(Serialize)]
struct FeatureExplained {
    attribute: String,
    slot: u32,
    value: f64,
    known: bool,
}

#[derive(Serialize)]
struct ArmExplained {
    key: String,
    active: bool,
    probability: f64,
    prediction: Option<f64>,
    variance: Option<f64>,
}

#[derive(Serialize)]
struct ConditionExplained {
    kind: &'static str,
    holds: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    children: Vec<ConditionExplained>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attribute: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operator: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    values: Vec<Plain>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actual: Option<Plain>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Plain {
    Text(String),
    Number(f64),
    Truth(bool),
}

/// `expect` of a row of the golden file.
#[derive(Serialize)]
pub(super) struct Replayed {
    held: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    episode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arm: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    draw: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    propensities: Option<Vec<u32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exposure: Option<String>,
}

impl Explanation {
    pub(super) fn of(
        experiment: &Experiment,
        context: &Context,
        prepared: &Prepared,
        episode: u64,
        drawn: Option<&Result<Exposure, Held>>,
    ) -> Self {
        let revision = &experiment.revision;
        let exposure = drawn.and_then(|drawn| drawn.as_ref().ok());
        let arm = exposure.and_then(|x| keys(experiment).get(x.arm as usize).map(|key| (*key).to_owned()));
        Self {
            experiment: revision.key.clone(),
            revision: format!("{:016x}", experiment.revision_id.0),
            model_version: String::new(),
            policy: policy(revision.policy.kind),
            phase: phase(experiment.phase),
            unit: match revision.unit {
                UnitKind::Visitor => "visitor",
                UnitKind::Account => "account",
            },
            eligible: prepared.eligible,
            condition: condition(&revision.when, context),
            personalized: true,
            features: features(experiment, context, prepared),
            arms: arms(experiment, prepared, exposure),
            comparison_group: exposure.is_some_and(Exposure::in_comparison_group),
            episode: exposure.map(|_| episode.to_string()),
            draw: exposure.map(|x| probability(x.draw)),
            why: why(experiment, prepared, drawn, arm.as_deref()),
            drawn: arm,
            shown: None,
        }
    }
}

impl Replayed {
    pub(super) fn of(experiment: &Experiment, drawn: Option<Result<Exposure, Held>>) -> Self {
        let held = |held, arm| Self {
            held: Some(held),
            episode: None,
            arm,
            variant: None,
            draw: None,
            propensities: None,
            exposure: None,
        };
        match drawn {
            None | Some(Err(Held::Ineligible)) => held("ineligible", None),
            Some(Err(Held::Paused { arm })) => held("paused", Some(arm)),
            Some(Err(Held::Decided { arm })) => held("decided", Some(arm)),
            Some(Ok(exposure)) => Self {
                held: None,
                episode: Some(exposure.episode.to_string()),
                arm: Some(exposure.arm),
                variant: keys(experiment)
                    .get(exposure.arm as usize)
                    .map(|key| (*key).to_owned()),
                draw: Some(exposure.draw),
                exposure: Some(hex(&exposure.encode())),
                propensities: Some(exposure.propensities_q30),
            },
        }
    }
}

/// One sentence a person can read.
fn why(
    experiment: &Experiment,
    prepared: &Prepared,
    drawn: Option<&Result<Exposure, Held>>,
    arm: Option<&str>,
) -> String {
    let key = |arm: u32| {
        keys(experiment)
            .get(arm as usize)
            .copied()
            .unwrap_or("?")
            .to_owned()
    };
    match drawn {
        None => "This experiment is about accounts, and nobody has logged in.".to_owned(),
        Some(Err(Held::Paused { arm })) => {
            format!(
                "The experiment is paused: everybody gets the control, {}.",
                key(*arm)
            )
        }
        Some(Err(Held::Decided { arm })) => {
            format!("A winner was declared: everybody gets {}.", key(*arm))
        }
        Some(Err(Held::Ineligible)) if !prepared.eligible => {
            "The context does not satisfy the experiment's condition.".to_owned()
        }
        Some(Err(Held::Ineligible)) => "Out of the experiment's traffic, or every arm is stopped.".to_owned(),
        Some(Ok(exposure)) => {
            let p = exposure
                .propensities_q30
                .get(exposure.arm as usize)
                .copied()
                .unwrap_or(0);
            let group = if exposure.in_comparison_group() {
                " In the comparison group, which stays on an even split."
            } else {
                ""
            };
            let percent = 100.0 * probability(p);
            format!(
                "Drawn with a probability of {percent:.1} %: {}.{group}",
                arm.unwrap_or("?")
            )
        }
    }
}

/// Every attribute with the slot that it makes of the context.
fn features(experiment: &Experiment, context: &Context, prepared: &Prepared) -> Vec<FeatureExplained> {
    let attributes = &experiment.revision.attributes;
    let alone = |at: usize| {
        let only = |(i, a): (usize, &Attribute)| Attribute {
            hidden: i != at,
            ..a.clone()
        };
        encode(
            &attributes.iter().enumerate().map(only).collect::<Vec<_>>(),
            context,
        )
    };
    let visible = attributes.iter().enumerate().filter(|(_, a)| !a.hidden);
    visible
        .filter_map(|(at, attribute)| {
            let (slot, value_q10) = alone(at).iter().next()?;
            // Of two attributes in one slot only the first counts; without personalization none does.
            prepared.features.slots.contains(&slot).then(|| FeatureExplained {
                attribute: attribute.name.clone(),
                slot,
                value: f64::from(value_q10) / 1024.0,
                known: experiment.model.slots.binary_search(&slot).is_ok()
                    || experiment.model.segments.iter().any(|s| s.slot == slot),
            })
        })
        .collect()
}

fn arms(experiment: &Experiment, prepared: &Prepared, exposure: Option<&Exposure>) -> Vec<ArmExplained> {
    let distribution = &prepared.distribution;
    let propensities = exposure.map_or(&distribution.propensities_q30, |x| &x.propensities_q30);
    let micros = |values: &[u32], arm: usize| values.get(arm).map(|&v| f64::from(v) / 1e6);
    let explained = |(arm, key): (usize, &str)| ArmExplained {
        key: key.to_owned(),
        active: experiment.is_active(arm),
        probability: propensities.get(arm).copied().map_or(0.0, probability),
        prediction: micros(&distribution.predictions_micros, arm),
        variance: micros(&distribution.variances_micros, arm),
    };
    keys(experiment).into_iter().enumerate().map(explained).collect()
}

fn condition(when: &Condition, context: &Context) -> Option<ConditionExplained> {
    match when {
        Condition::All(children) if children.is_empty() => None,
        when => Some(tree(when, context)),
    }
}

fn tree(condition: &Condition, context: &Context) -> ConditionExplained {
    let branch = |kind, children: &[Condition]| ConditionExplained {
        kind,
        holds: matches(condition, context),
        children: children.iter().map(|c| tree(c, context)).collect(),
        attribute: None,
        operator: None,
        values: Vec::new(),
        actual: None,
    };
    match condition {
        Condition::All(children) => branch("all", children),
        Condition::Any(children) => branch("any", children),
        Condition::None(children) => branch("none", children),
        Condition::Compare {
            attribute,
            operator: op,
            values,
        } => ConditionExplained {
            attribute: Some(attribute.clone()),
            operator: Some(operator(*op)),
            values: values.iter().map(declared).collect(),
            actual: context.get(attribute).map(given),
            ..branch("compare", &[])
        },
    }
}

fn declared(value: &Value) -> Plain {
    match value {
        Value::Text(text) => Plain::Text(text.clone()),
        Value::Number(number) => Plain::Number(*number),
        Value::Truth(truth) => Plain::Truth(*truth),
    }
}

fn given(value: &ContextValue) -> Plain {
    match value {
        ContextValue::Text(text) => Plain::Text(text.clone()),
        ContextValue::Number(number) => Plain::Number(*number),
        ContextValue::Truth(truth) => Plain::Truth(*truth),
    }
}

fn operator(operator: Operator) -> &'static str {
    match operator {
        Operator::Eq => "$eq",
        Operator::Ne => "$ne",
        Operator::Lt => "$lt",
        Operator::Lte => "$lte",
        Operator::Gt => "$gt",
        Operator::Gte => "$gte",
        Operator::In => "$in",
        Operator::Nin => "$nin",
        Operator::Exists => "$exists",
    }
}
