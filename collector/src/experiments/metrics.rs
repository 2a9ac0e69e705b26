//! `metric`, `secondary` and `guardrails`: what later events count for.

use tiltwise_core::id::Tier;
use tiltwise_core::revision::{MAX_KEY, MAX_METRICS, Metric, OnBreach, Role};

use crate::config::document::Node;
use crate::config::section::Section;
use crate::config::setting::{Misfit, Setting, one_of};
use crate::config::{Problems, Span};

/// Outcomes are joined in the trainer's state, which holds every open window.
const WINDOW_MS: std::ops::RangeInclusive<u64> = 1_000..=365 * 86_400_000;

/// A cap above a million million has slipped by a few zeros.
const MAX_CAP: f64 = 1e12;

const MICROS: f64 = 1e6;

/// All metrics, the one that is optimised first.
pub(super) fn read(problems: &mut Problems, section: &mut Section) -> Vec<Metric> {
    let mut metrics = Vec::new();
    match section.take("metric") {
        None => {
            let remedy = "Say what counts: metric = { event = \"signup\", window = \"30m\" }";
            problems.push(section.problem("metric", "is missing", remedy));
        }
        Some(node) => {
            let mut table = Section::open(problems, section.setting("metric"), node);
            metrics.extend(metric(problems, &mut table));
            table.finish(problems);
        }
    }
    for (path, node) in section.list(problems, "secondary") {
        let mut table = Section::open(problems, path, node);
        metrics.extend(metric(problems, &mut table));
        table.finish(problems);
    }
    for (path, node) in section.list(problems, "guardrails") {
        let mut table = Section::open(problems, path, node);
        metrics.extend(metric(problems, &mut table).map(|metric| guardrail(problems, &mut table, metric)));
        table.finish(problems);
    }
    if metrics.len() > MAX_METRICS {
        let what = format!(
            "has {} metrics with its secondary ones and guardrails",
            metrics.len()
        );
        problems.push(section.problem("", what, format!("Keep to {MAX_METRICS}")));
    }
    metrics
}

fn metric(problems: &mut Problems, table: &mut Section) -> Option<Metric> {
    let event = table.need::<String>(
        problems,
        "event",
        "Name the event that counts: event = \"signup\"",
    );
    let window = table.need::<Span>(
        problems,
        "window",
        "Say how long after the choice it counts: window = \"30m\"",
    );
    let value = table.found::<Sum>(problems, "value");
    let cap = table.found::<f64>(problems, "cap");
    let currency = table.found::<String>(problems, "currency");
    let from = table.get_or(problems, "from", From(Tier::Page));
    if let Some(event) = &event
        && !(1..=MAX_KEY).contains(&event.value.len())
    {
        event.reject(
            problems,
            "is no name of an event",
            format!("Use 1 to {MAX_KEY} bytes"),
        );
    }
    if let Some(window) = &window
        && !WINDOW_MS.contains(&window.value.ms())
    {
        window.reject(problems, "is out of reach", "Write 1 second to 365 days: \"30m\"");
    }
    if let Some(cap) = &cap
        && !(cap.value * MICROS >= 1.0 && cap.value <= MAX_CAP)
    {
        cap.reject(
            problems,
            "is no cap",
            "Write an amount above 0 that few orders exceed: cap = 500.0",
        );
    }
    if let Some(currency) = &currency
        && !(currency.value.len() == 3 && currency.value.bytes().all(|byte| byte.is_ascii_uppercase()))
    {
        currency.reject(
            problems,
            "is no currency",
            "Write its three capital letters (ISO 4217): \"EUR\"",
        );
    }
    match (&value, &cap) {
        (Some(value), None) => value.reject(
            problems,
            "needs a cap",
            "One huge order must not decide: add cap = 500.0",
        ),
        (None, Some(cap)) => cap.reject(
            problems,
            "caps no value",
            "Add value = \"sum\", or remove the cap",
        ),
        _ => {}
    }
    if let (None, Some(currency)) = (&value, &currency) {
        currency.reject(
            problems,
            "is of no value",
            "Add value = \"sum\" and a cap, or remove the currency",
        );
    }
    Some(Metric {
        cap_micros: cap.map_or(0, |cap| (cap.value * MICROS).round() as u64),
        currency: currency.map(|currency| currency.value).unwrap_or_default(),
        min_tier: from.0,
        ..Metric::rate(&event?.value, window?.value.ms())
    })
}

fn guardrail(problems: &mut Problems, table: &mut Section, metric: Metric) -> Metric {
    let OnBreachSetting(on_breach) = table.get_or(problems, "on_breach", OnBreachSetting(OnBreach::Notify));
    let mut guardrail = Metric {
        role: Role::Guardrail,
        on_breach,
        ..metric
    };
    let Some(node) = table.take("max_increase") else {
        let remedy = "Say how much more than the control is too much: max_increase = { absolute = 0.01 }";
        problems.push(table.problem("max_increase", "is missing", remedy));
        return guardrail;
    };
    let mut limit = Section::open(problems, table.setting("max_increase"), node);
    // In the metric's own unit: a share of episodes, or an amount per episode.
    let unit = if guardrail.cap_micros == 0 {
        1.0
    } else {
        guardrail.cap_micros as f64 / MICROS
    };
    if let Some(absolute) = limit.need::<f64>(
        problems,
        "absolute",
        "Write { absolute = 0.01 }: one in a hundred more",
    ) {
        let scaled = absolute.value / unit;
        if !(scaled > 0.0 && scaled <= 1.0) {
            absolute.reject(
                problems,
                "is no increase",
                format!("Write a number above 0 and at most {unit}"),
            );
        }
        guardrail.max_increase_micros = (scaled * MICROS).round().clamp(1.0, MICROS) as u32;
    }
    limit.finish(problems);
    guardrail
}

/// `value = "sum"`: the only way that values of an episode come together.
#[derive(Clone, Copy)]
struct Sum;

impl Setting for Sum {
    fn read(node: &Node) -> Result<Self, Misfit> {
        one_of(node, &[("sum", Self)])
    }
}

/// `from`: the least trusted sender that counts.
#[derive(Clone, Copy)]
struct From(Tier);

impl Setting for From {
    fn read(node: &Node) -> Result<Self, Misfit> {
        one_of(
            node,
            &[
                ("page", Self(Tier::Page)),
                ("worker", Self(Tier::Worker)),
                ("server", Self(Tier::Server)),
            ],
        )
    }
}

#[derive(Clone, Copy)]
struct OnBreachSetting(OnBreach);

impl Setting for OnBreachSetting {
    fn read(node: &Node) -> Result<Self, Misfit> {
        one_of(
            node,
            &[
                ("notify", Self(OnBreach::Notify)),
                ("stop-variant", Self(OnBreach::StopVariant)),
                ("pause", Self(OnBreach::Pause)),
            ],
        )
    }
}
