//! What a policy looks at: the forms of an attribute in the file, and their compiled order.
//!
//! | in the file | compiled |
//! |---|---|
//! | `"device"` | categorical: one feature for each value |
//! | `{ name = "device", values = ["phone", "desktop"] }` | the same; results are shown for these by name |
//! | `{ name = "cart", cuts = [10, 50] }` | bins: one feature for each range |
//! | `{ name = "cart", numeric = true }` | the same, with cuts that the fitter chooses after 200 exposures |
//! | `{ name = "age", center = 40, scale = 15 }` | numeric, as a number |
//! | `{ cross = ["device", "country"] }` | one feature for each pair of values |
//!
//! `hidden = true` keeps an attribute out of the model except as part of a cross. Crosses are compiled after what they
//! are made of, wherever the file has them.

use tiltwise_core::revision::{Attribute, AttributeKind, MAX_ATTRIBUTES, MAX_KEY};

use super::Values;
use crate::config::Problems;
use crate::config::document::{Node, Value};
use crate::config::section::{Found, Section, closest};

/// As many as the wire carries.
const MAX_CUTS: usize = 256;
/// More than a table on a page has.
const MAX_VALUES: usize = 256;
/// A segment multiplies its parts' values: more than a few leave no visitors in most.
const MAX_SEGMENT_PARTS: usize = 8;

/// `attributes` of a contextual policy.
pub(super) fn contextual(problems: &mut Problems, section: &mut Section) -> (Vec<Attribute>, Values) {
    let nodes = section.list(problems, "attributes");
    if nodes.is_empty() {
        let remedy =
            "Name what the page knows: attributes = [\"device\"]. Without any, use kind = \"thompson\"";
        problems.push(section.problem("attributes", "names nothing to look at", remedy));
    }
    let (mut attributes, mut values) = (Vec::new(), Values::new());
    let mut crosses = Vec::new();
    for (path, node) in nodes {
        match form(problems, &path, node) {
            Some(Form::Simple(attribute, name, listed)) => {
                values.extend(listed.map(|listed| (name.value.clone(), listed)));
                add(problems, &mut attributes, attribute, &name);
            }
            Some(Form::Cross(parts)) => crosses.push(parts),
            None => {}
        }
    }
    let simple = attributes.len();
    for parts in crosses {
        attributes.extend(cross(problems, &attributes, simple, &parts));
    }
    check_hidden(problems, section, &attributes);
    check_number(problems, section, "attributes", attributes.len());
    (attributes, values)
}

/// `segments` of a Thompson policy: its parts, hidden, and the one attribute that all of them make together.
pub(super) fn segments(problems: &mut Problems, section: &mut Section) -> (Vec<Attribute>, Values) {
    let (mut attributes, mut values) = (Vec::new(), Values::new());
    for (path, node) in section.list(problems, "segments") {
        match form(problems, &path, node) {
            Some(Form::Simple(attribute, name, listed))
                if !matches!(
                    attribute.kind,
                    AttributeKind::Linear { .. } | AttributeKind::Number
                ) =>
            {
                values.extend(listed.map(|listed| (name.value.clone(), listed)));
                add(
                    problems,
                    &mut attributes,
                    Attribute {
                        hidden: true,
                        ..attribute
                    },
                    &name,
                );
            }
            Some(Form::Simple(_, name, _)) => {
                name.reject(
                    problems,
                    "has no ranges to make segments of",
                    "Give it cuts: { name = \"cart\", cuts = [10, 50] }",
                );
            }
            Some(Form::Cross(parts)) => {
                parts.reject(
                    problems,
                    "is no part of a segment",
                    "Segments cross all that they list: name its attributes",
                );
            }
            None => {}
        }
    }
    if attributes.len() > MAX_SEGMENT_PARTS {
        let what = format!("has {} entries", attributes.len());
        problems.push(section.problem(
            "segments",
            what,
            format!("Keep to {MAX_SEGMENT_PARTS}, better to one or two"),
        ));
    }
    if attributes.is_empty() {
        return (attributes, values);
    }
    let of = (0..attributes.len() as u32).collect();
    attributes.push(Attribute {
        name: "segments".into(),
        kind: AttributeKind::Segment { of },
        hidden: false,
    });
    (attributes, values)
}

/// An attribute as the file has it.
enum Form {
    /// With its name as it was found, and the values that people want to see.
    Simple(Attribute, Found<String>, Option<Vec<String>>),
    Cross(Found<Vec<String>>),
}

fn form(problems: &mut Problems, path: &str, node: Node) -> Option<Form> {
    if let Value::Text(name) = &node.value {
        let name = Found {
            value: name.clone(),
            node,
            setting: path.to_owned(),
        };
        let attribute = Attribute {
            name: name.value.clone(),
            kind: AttributeKind::Categorical,
            hidden: false,
        };
        return Some(Form::Simple(attribute, name, None));
    }
    let mut entry = Section::open(problems, path, node);
    let found = if let Some(parts) = entry.found::<Vec<String>>(problems, "cross") {
        Some(Form::Cross(parts))
    } else {
        let name = entry.need::<String>(
            problems,
            "name",
            "Name the attribute: { name = \"cart\", cuts = [10, 50] }",
        );
        let kind = kind(problems, &mut entry);
        let values = values(problems, &mut entry, &kind);
        let hidden = entry.get_or(problems, "hidden", false);
        name.map(|name| {
            Form::Simple(
                Attribute {
                    name: name.value.clone(),
                    kind,
                    hidden,
                },
                name,
                values,
            )
        })
    };
    entry.finish(problems);
    found
}

/// `values`: what people want to see by name. Ranges name themselves.
fn values(problems: &mut Problems, entry: &mut Section, kind: &AttributeKind) -> Option<Vec<String>> {
    let values = entry.found::<Vec<String>>(problems, "values")?;
    if *kind != AttributeKind::Categorical {
        let remedy = "Remove it: ranges are shown by their ends";
        values.reject(
            problems,
            "has no meaning beside what makes a number of it",
            remedy,
        );
    } else if values.value.len() > MAX_VALUES {
        let what = format!("lists {}", values.value.len());
        values.reject(problems, what, format!("Keep to {MAX_VALUES}: nobody reads more"));
    }
    Some(values.value)
}

fn kind(problems: &mut Problems, entry: &mut Section) -> AttributeKind {
    let cuts = entry.found::<Vec<f64>>(problems, "cuts");
    let center = entry.found::<f64>(problems, "center");
    let scale = entry.found::<f64>(problems, "scale");
    let numeric = entry.found::<bool>(problems, "numeric");
    if let Some(numeric) = numeric {
        let others = cuts.is_some() || center.is_some() || scale.is_some();
        if others {
            let remedy = "Keep what says how, and remove numeric";
            numeric.reject(problems, "has no meaning beside cuts, center or scale", remedy);
        } else if numeric.value {
            return AttributeKind::Number;
        }
    }
    if let Some(cuts) = cuts {
        let ascending = cuts
            .value
            .iter()
            .zip(cuts.value.iter().skip(1))
            .all(|(a, b)| a < b);
        if !ascending || !(1..=MAX_CUTS).contains(&cuts.value.len()) {
            cuts.reject(
                problems,
                "does not ascend",
                format!("Write 1 to {MAX_CUTS} numbers, each above the one before"),
            );
        }
        for other in [center, scale].into_iter().flatten() {
            other.reject(
                problems,
                "has no meaning beside cuts",
                "Keep the cuts, or center and scale",
            );
        }
        return AttributeKind::Bins {
            cuts: cuts.value.iter().map(|cut| cut + 0.0).collect(),
        };
    }
    match (center, scale) {
        (None, None) => AttributeKind::Categorical,
        (center, Some(scale)) => {
            if scale.value <= 0.0 {
                scale.reject(
                    problems,
                    "is no scale",
                    "Write a number above 0, best the standard deviation",
                );
            }
            // Adding 0 turns -0 into 0: two ways to write a number make one revision.
            AttributeKind::Linear {
                center: center.map_or(0.0, |center| center.value + 0.0),
                scale: scale.value,
            }
        }
        (Some(center), None) => {
            center.reject(
                problems,
                "needs a scale beside it",
                "Write { name = …, center = 40, scale = 15 }",
            );
            AttributeKind::Categorical
        }
    }
}

fn add(problems: &mut Problems, attributes: &mut Vec<Attribute>, attribute: Attribute, name: &Found<String>) {
    if !(1..=MAX_KEY).contains(&attribute.name.len()) {
        name.reject(
            problems,
            "is no name of an attribute",
            format!("Use 1 to {MAX_KEY} bytes"),
        );
    }
    if attributes.iter().any(|earlier| earlier.name == attribute.name) {
        name.reject(problems, "is there twice", "Keep one of them");
    }
    attributes.push(attribute);
}

fn cross(
    problems: &mut Problems,
    attributes: &[Attribute],
    simple: usize,
    parts: &Found<Vec<String>>,
) -> Option<Attribute> {
    let known: Vec<&str> = attributes
        .iter()
        .take(simple)
        .map(|attribute| attribute.name.as_str())
        .collect();
    let mut of = Vec::new();
    for part in &parts.value {
        match attributes
            .iter()
            .take(simple)
            .position(|attribute| attribute.name == *part)
        {
            None => {
                let remedy = match closest(part, &known) {
                    Some(name) => format!("Did you mean \"{name}\"?"),
                    None => {
                        format!("List it too; {{ name = \"{part}\", hidden = true }} keeps it to the cross")
                    }
                };
                parts.reject(problems, format!("names \"{part}\", which is not listed"), remedy);
                return None;
            }
            Some(index) => {
                let numeric = attributes.get(index).is_some_and(|part| {
                    matches!(part.kind, AttributeKind::Linear { .. } | AttributeKind::Number)
                });
                if numeric {
                    let remedy = format!("Give it cuts: {{ name = \"{part}\", cuts = [10, 50] }}");
                    parts.reject(
                        problems,
                        format!("names \"{part}\", which has no ranges to cross"),
                        remedy,
                    );
                    return None;
                }
                of.push(index as u32);
            }
        }
    }
    let distinct = matches!(of.as_slice(), [a, b] if a != b);
    if !distinct {
        parts.reject(
            problems,
            "is no cross of two",
            "Name two different attributes: { cross = [\"device\", \"country\"] }",
        );
        return None;
    }
    Some(Attribute {
        name: cross_name(&parts.value),
        kind: AttributeKind::Cross { of },
        hidden: false,
    })
}

/// "device*country", cut to what the wire carries: the name only keeps its features apart from others.
fn cross_name(parts: &[String]) -> String {
    let mut name = parts.join("*");
    while name.len() > MAX_KEY {
        name.pop();
    }
    name
}

fn check_hidden(problems: &mut Problems, section: &Section, attributes: &[Attribute]) {
    for (index, attribute) in attributes
        .iter()
        .enumerate()
        .filter(|(_, attribute)| attribute.hidden)
    {
        let used = attributes
            .iter()
            .any(|other| matches!(&other.kind, AttributeKind::Cross { of } if of.contains(&(index as u32))));
        if !used {
            let what = format!("hides \"{}\", which no cross uses", attribute.name);
            problems.push(section.problem("attributes", what, "Remove it, or name it in a cross"));
        }
    }
}

fn check_number(problems: &mut Problems, section: &Section, key: &str, number: usize) {
    if number > MAX_ATTRIBUTES {
        let remedy = format!("Keep to {MAX_ATTRIBUTES}; ten well-chosen ones learn faster");
        problems.push(section.problem(key, format!("has {number} entries"), remedy));
    }
}
