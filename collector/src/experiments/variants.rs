//! `variants` and `control`: the answers an experiment compares.

use tiltwise_core::revision::{MAX_ARMS, MAX_KEY, MAX_VALUE, Variant};

use crate::config::Problems;
use crate::config::document::{Node, Value};
use crate::config::section::{Found, Section, closest};
use crate::config::setting::Misfit;

/// Reads the list; the variants that could not be read are left out, with a problem each.
pub(super) fn read(problems: &mut Problems, section: &mut Section) -> Vec<Variant> {
    let mut variants: Vec<Variant> = Vec::new();
    let nodes = section.list(problems, "variants");
    if !(2..=MAX_ARMS).contains(&nodes.len()) {
        let remedy = "Write 2 to 64: variants = [{ key = \"calm\", value = \"Welcome\" }, { key = \"bold\", value = \"Save\" }]";
        problems.push(section.problem("variants", format!("has {} entries", nodes.len()), remedy));
    }
    for (path, node) in nodes {
        let mut entry = Section::open(problems, path, node);
        let key = entry.need::<String>(
            problems,
            "key",
            "Give the variant a key: { key = \"calm\", value = \"Welcome\" }",
        );
        let value = entry.take("value");
        let value_setting = entry.setting("value");
        entry.finish(problems);
        let Some(key) = key else { continue };
        check_key(problems, &key);
        if variants.iter().any(|variant| variant.key == key.value) {
            key.reject(
                problems,
                "is taken by a variant before it",
                "Give every variant a key of its own",
            );
        }
        let value = match value {
            Some(node) => json_text(&node).unwrap_or_else(|misfit| {
                problems.push(misfit.of(&value_setting, &node));
                String::new()
            }),
            // Without a value the page gets the key.
            None => serde_json::Value::from(key.value.as_str()).to_string(),
        };
        variants.push(Variant {
            key: key.value,
            value,
        });
    }
    variants
}

/// The index of the variant that `control` names.
pub(super) fn control(problems: &mut Problems, section: &mut Section, variants: &[Variant]) -> u32 {
    let remedy = "Name the variant that the others are compared with: control = \"calm\"";
    let Some(control) = section.need::<String>(problems, "control", remedy) else {
        return 0;
    };
    index_of(problems, &control, variants).unwrap_or(0)
}

/// The index of the variant that a setting names; one that does not exist is a problem.
pub(super) fn index_of(problems: &mut Problems, named: &Found<String>, variants: &[Variant]) -> Option<u32> {
    let index = variants.iter().position(|variant| variant.key == named.value);
    if index.is_none() {
        named.reject(problems, "is no variant", unknown_variant(&named.value, variants));
    }
    index.map(|index| index as u32)
}

pub(super) fn unknown_variant(name: &str, variants: &[Variant]) -> String {
    let keys: Vec<&str> = variants.iter().map(|variant| variant.key.as_str()).collect();
    match closest(name, &keys) {
        Some(key) => format!("Did you mean \"{key}\"?"),
        None => format!("The variants are: {}", keys.join(", ")),
    }
}

/// A key stands in URLs, file names and reports.
pub(super) fn check_key(problems: &mut Problems, key: &Found<String>) {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !(1..=MAX_KEY).contains(&key.value.len()) || !key.value.chars().all(plain) {
        key.reject(
            problems,
            "is no key",
            format!(
                "Use 1 to {MAX_KEY} letters, digits, dots, hyphens or underscores; `name` may hold anything"
            ),
        );
    }
}

/// What a page gets, as JSON.
fn json_text(node: &Node) -> Result<String, Misfit> {
    let text = json(node)?.to_string();
    if text.len() > MAX_VALUE {
        return Err(Misfit::new(
            format!("is {} bytes of JSON", text.len()),
            format!(
                "Keep it under {MAX_VALUE}: every page downloads it. A key that the page looks up is enough"
            ),
        ));
    }
    Ok(text)
}

fn json(node: &Node) -> Result<serde_json::Value, Misfit> {
    Ok(match &node.value {
        Value::Text(text) | Value::Given(text) => text.as_str().into(),
        Value::Integer(number) => (*number).into(),
        Value::Float(number) if number.is_finite() => (*number).into(),
        Value::Truth(truth) => (*truth).into(),
        Value::List(items) => items.iter().map(json).collect::<Result<Vec<_>, _>>()?.into(),
        Value::Table(entries) => serde_json::Value::Object(
            entries
                .iter()
                .map(|(key, item)| Ok((key.clone(), json(item)?)))
                .collect::<Result<_, Misfit>>()?,
        ),
        Value::Float(_) | Value::Other(_) => {
            return Err(Misfit::new("has no form in JSON", "Write it as text, in quotes"));
        }
    })
}
