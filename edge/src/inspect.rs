//! The face for people: whole objects through serde, in the second build.
//!
//! [`explain`] says how a decision comes about; [`replay`] makes one row of the golden file anew.

mod answer;
mod question;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Serialize;
use tiltwise_core::context::Context;
use tiltwise_core::decide::{Held, Prepared, decide, prepare};
use tiltwise_core::event::Exposure;
use tiltwise_core::hash::Unit;
use tiltwise_core::id::UnitKind;
use tiltwise_core::propensity::ONE_Q30;
use tiltwise_core::revision::PolicyKind;
use tiltwise_core::snapshot::{Experiment, Phase, SnapshotContent};
use tiltwise_core::sticky::episode;
use wasm_bindgen::prelude::{JsError, JsValue, wasm_bindgen};

use answer::{Explanation, Replayed};
use question::{Person, Question, Row};

/// Explains what a decision made now would be. `content` is that of the snapshot in use, the question an object
/// (`wasm-pkg/src/inspect.ts` has its type). Undefined: the snapshot does not have this experiment.
#[wasm_bindgen]
pub fn explain(content: &[u8], version: u64, question: JsValue) -> Result<JsValue, JsError> {
    let question: Question = serde_wasm_bindgen::from_value(question)?;
    let content = SnapshotContent::decode(content)?;
    let Some(at) = content.find(&question.key) else {
        return Ok(JsValue::UNDEFINED);
    };
    let Some(experiment) = content.experiments.get(at) else {
        return Ok(JsValue::UNDEFINED);
    };
    let personalized = question.is_personalized(content.gpc_limits);
    let context = question.context();
    let prepared = prepare(experiment, &context, personalized);
    let person = question.person()?;
    let (episode, drawn) = draw(
        experiment,
        &prepared,
        version,
        &person,
        question.now_ms,
        question.session()?,
    );
    let seen = if personalized { context } else { Context::new() };
    let mut explanation = Explanation::of(experiment, &seen, &prepared, episode, drawn.as_ref());
    explanation.model_version = version.to_string();
    explanation.personalized = personalized;
    explanation.shown = question.shown;
    to_object(&explanation)
}

/// Makes the `expect` of one row of the golden file: `content` is an encoded snapshot content.
#[wasm_bindgen]
pub fn replay(content: &[u8], row: JsValue) -> Result<JsValue, JsError> {
    let row: Row = serde_wasm_bindgen::from_value(row)?;
    let content = SnapshotContent::decode(content)?;
    let experiment = content
        .find(&row.experiment)
        .and_then(|at| content.experiments.get(at))
        .ok_or_else(|| JsError::new("the snapshot does not have this experiment"))?;
    let prepared = prepare(experiment, &question::context(&row.context), row.personalized);
    let (_, drawn) = draw(
        experiment,
        &prepared,
        question::number(&row.model)?,
        &row.person()?,
        row.now_ms,
        question::number(&row.session)?,
    );
    to_object(&Replayed::of(experiment, drawn))
}

/// The episode's name and what is drawn in it; `None`: the experiment is about accounts, and nobody has logged in.
fn draw(
    experiment: &Experiment,
    prepared: &Prepared,
    version: u64,
    person: &Person,
    now_ms: f64,
    session: u64,
) -> (u64, Option<Result<Exposure, Held>>) {
    let revision = &experiment.revision;
    let episode = episode(revision, now_ms as u64, session);
    let unit = match revision.unit {
        UnitKind::Visitor => person.visitor.as_ref().map(Unit::Visitor),
        UnitKind::Account => person.account.as_deref().map(Unit::Account),
    };
    let drawn = unit.map(|unit| decide(experiment, prepared, version, unit, episode));
    (episode, drawn)
}

/// Plain objects, not maps.
fn to_object(value: &impl Serialize) -> Result<JsValue, JsError> {
    Ok(value.serialize(&serde_wasm_bindgen::Serializer::json_compatible())?)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn probability(q30: u32) -> f64 {
    f64::from(q30) / f64::from(ONE_Q30)
}

fn policy(kind: PolicyKind) -> &'static str {
    match kind {
        PolicyKind::Fixed => "fixed",
        PolicyKind::Thompson => "thompson",
        PolicyKind::Contextual => "contextual",
        PolicyKind::BestArm => "best-arm",
    }
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Running => "running",
        Phase::Paused => "paused",
        Phase::Decided { .. } => "decided",
    }
}

/// The keys of variants, by arm.
fn keys(experiment: &Experiment) -> Vec<&str> {
    experiment
        .revision
        .variants
        .iter()
        .map(|v| v.key.as_str())
        .collect()
}
