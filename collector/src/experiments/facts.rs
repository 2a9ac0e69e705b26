//! A compiled experiment as (setting, value) pairs, in the words of its file: what a difference is made of.

use tiltwise_core::id::{Tier, UnitKind};
use tiltwise_core::propensity::ONE_Q30;
use tiltwise_core::revision::{
    Attribute, AttributeKind, Condition, Metric, OnBreach, PolicyKind, Revision, Role, Sticky, Value,
};

use super::Definition;
use crate::config::Span;

/// All that the file could have said otherwise.
pub(super) fn of(definition: &Definition) -> Vec<(String, String)> {
    let revision = &definition.revision;
    let mut facts = vec![
        ("name".to_owned(), format!("{:?}", definition.name)),
        ("unit".to_owned(), unit(revision.unit).to_owned()),
        (
            "control".to_owned(),
            variant_key(revision, revision.control as usize),
        ),
    ];
    for variant in &revision.variants {
        facts.push((format!("variants.{}", variant.key), variant.value.clone()));
    }
    let order: Vec<&str> = revision
        .variants
        .iter()
        .map(|variant| variant.key.as_str())
        .collect();
    facts.push(("variants (order)".into(), order.join(", ")));
    policy(revision, &mut facts);
    let listed = definition.values.iter();
    facts
        .extend(listed.map(|(name, values)| (format!("policy.attributes.{name}.values"), values.join(", "))));
    for (index, metric) in revision.metrics.iter().enumerate() {
        let setting = match (index, metric.role) {
            (0, _) => "metric".to_owned(),
            (_, Role::Watched) => format!("secondary[{}]", index - 1),
            (_, Role::Guardrail) => format!("guardrails.{}", metric.event),
        };
        facts.push((setting, metric_text(metric)));
    }
    facts.extend([
        ("when".to_owned(), condition(&revision.when)),
        ("traffic".to_owned(), share(revision.traffic_q30)),
        ("comparison_group".to_owned(), share(revision.comparison_q30)),
        ("sticky".to_owned(), sticky(revision.sticky).to_owned()),
        ("half_life".to_owned(), half_life(revision.half_life_ms)),
        (
            "results_every".to_owned(),
            Span::from_ms(revision.bucket_ms).to_string(),
        ),
    ]);
    if revision.horizon_units > 0 {
        facts.push(("horizon".to_owned(), revision.horizon_units.to_string()));
    }
    facts
}

fn policy(revision: &Revision, facts: &mut Vec<(String, String)>) {
    let policy = &revision.policy;
    let kind = match policy.kind {
        PolicyKind::Fixed => "fixed",
        PolicyKind::Thompson => "thompson",
        PolicyKind::Contextual => "contextual",
        PolicyKind::BestArm => "best-arm",
    };
    facts.push(("policy.kind".into(), kind.into()));
    if policy.kind == PolicyKind::Fixed {
        for (arm, weight) in policy.weights_q30.iter().enumerate() {
            facts.push((
                format!("policy.weights.{}", variant_key(revision, arm)),
                share(*weight),
            ));
        }
    } else {
        facts.push(("min_propensity".into(), share(policy.min_propensity_q30)));
    }
    if !revision.attributes.is_empty() {
        let all: Vec<String> = revision
            .attributes
            .iter()
            .map(|one| attribute(one, &revision.attributes))
            .collect();
        facts.push(("policy.attributes".into(), all.join(", ")));
    }
}

fn variant_key(revision: &Revision, arm: usize) -> String {
    revision
        .variants
        .get(arm)
        .map(|variant| variant.key.clone())
        .unwrap_or_default()
}

fn attribute(attribute: &Attribute, all: &[Attribute]) -> String {
    let names = |of: &[u32]| {
        let names: Vec<&str> = of
            .iter()
            .filter_map(|index| all.get(*index as usize))
            .map(|part| part.name.as_str())
            .collect();
        names.join(" × ")
    };
    let name = &attribute.name;
    let shown = match &attribute.kind {
        AttributeKind::Categorical => name.clone(),
        AttributeKind::Bins { cuts } => format!("{name} cut at {cuts:?}"),
        AttributeKind::Number => format!("{name} cut by the fitter"),
        AttributeKind::Linear { center, scale } => format!("{name} (center {center}, scale {scale})"),
        AttributeKind::Cross { of } => format!("cross of {}", names(of)),
        AttributeKind::Segment { of } => format!("segments by {}", names(of)),
    };
    if attribute.hidden {
        format!("{shown} (hidden)")
    } else {
        shown
    }
}

fn metric_text(metric: &Metric) -> String {
    let mut parts = vec![format!(
        "{} within {}",
        metric.event,
        Span::from_ms(metric.window_ms)
    )];
    let unit = if metric.cap_micros == 0 {
        1.0
    } else {
        metric.cap_micros as f64 / 1e6
    };
    if metric.cap_micros > 0 {
        parts.push(
            format!("sum up to {unit} {}", metric.currency)
                .trim_end()
                .to_owned(),
        );
    }
    match metric.min_tier {
        Tier::Page => {}
        Tier::Worker => parts.push("from workers and servers".into()),
        Tier::Server => parts.push("from servers".into()),
    }
    if metric.role == Role::Guardrail {
        let then = match metric.on_breach {
            OnBreach::Notify => "notify",
            OnBreach::StopVariant => "stop-variant",
            OnBreach::Pause => "pause",
        };
        parts.push(format!(
            "at most {} more, else {then}",
            f64::from(metric.max_increase_micros) / 1e6 * unit
        ));
    }
    parts.join(", ")
}

fn condition(condition: &Condition) -> String {
    let joined = |children: &[Condition], word: &str| {
        let all: Vec<String> = children.iter().map(self::condition).collect();
        all.join(word)
    };
    match condition {
        Condition::All(children) if children.is_empty() => "everybody".into(),
        Condition::All(children) => format!("({})", joined(children, " and ")),
        Condition::Any(children) => format!("({})", joined(children, " or ")),
        Condition::None(children) => format!("not ({})", joined(children, " or ")),
        Condition::Compare {
            attribute,
            operator,
            values,
        } => {
            let values: Vec<String> = values
                .iter()
                .map(|value| match value {
                    Value::Text(text) => format!("{text:?}"),
                    Value::Number(number) => number.to_string(),
                    Value::Truth(truth) => truth.to_string(),
                })
                .collect();
            let sign = format!("{operator:?}").to_lowercase();
            format!("{attribute} ${sign} {}", values.join(", "))
        }
    }
}

/// Six digits: what a person wrote comes back as it was written.
fn share(q30: u32) -> String {
    format!("{}", (f64::from(q30) / f64::from(ONE_Q30) * 1e6).round() / 1e6)
}

fn half_life(ms: u64) -> String {
    if ms == 0 {
        "none".into()
    } else {
        Span::from_ms(ms).to_string()
    }
}

fn unit(unit: UnitKind) -> &'static str {
    match unit {
        UnitKind::Visitor => "visitor",
        UnitKind::Account => "account",
    }
}

fn sticky(sticky: Sticky) -> &'static str {
    match sticky {
        Sticky::Visitor => "visitor",
        Sticky::Session => "session",
        Sticky::None => "none",
    }
}
