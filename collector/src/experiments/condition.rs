//! `when`: who is eligible, in GrowthBook's form.
//!
//! ```toml
//! when = { country = { "$in" = ["US", "CA"] }, "$or" = [{ device = "phone" }, { cart = { "$gte" = 50 } }] }
//! ```
//!
//! Entries side by side must all hold. A plain value means `$eq`; `$and`, `$or`, `$nor` take lists of conditions, `$not`
//! takes one.

use tiltwise_core::revision::{Condition, MAX_CONDITIONS, MAX_KEY, Operator, Value as Target};

use crate::config::Problems;
use crate::config::document::{Node, Table, Value};
use crate::config::section::{Section, closest};
use crate::config::setting::Misfit;

/// What the wire carries: nesting, values in a list, bytes of a text.
const MAX_DEPTH: usize = 8;
const MAX_VALUES: usize = 1_000;
const MAX_TEXT: usize = 256;

const OPERATORS: [(&str, Operator); 9] = [
    ("$eq", Operator::Eq),
    ("$ne", Operator::Ne),
    ("$lt", Operator::Lt),
    ("$lte", Operator::Lte),
    ("$gt", Operator::Gt),
    ("$gte", Operator::Gte),
    ("$in", Operator::In),
    ("$nin", Operator::Nin),
    ("$exists", Operator::Exists),
];
const LOGIC: [&str; 4] = ["$and", "$or", "$nor", "$not"];

/// Reads `when`; without it everybody is eligible.
pub(super) fn read(problems: &mut Problems, section: &mut Section) -> Condition {
    let setting = section.setting("when");
    let Some(node) = section.take("when") else {
        return Condition::always();
    };
    let condition = tree(problems, &setting, &node);
    let (nodes, depth) = size(&condition);
    if nodes > MAX_CONDITIONS || depth > MAX_DEPTH {
        let what = format!("has {nodes} conditions, nested {depth} deep");
        let remedy = format!("Keep to {MAX_CONDITIONS} and {MAX_DEPTH}; $in takes a whole list at once");
        problems.push(section.problem("when", what, remedy));
    }
    condition
}

fn tree(problems: &mut Problems, setting: &str, node: &Node) -> Condition {
    let Value::Table(entries) = &node.value else {
        let remedy = "Write a table: { country = \"US\" }";
        problems.push(Misfit::new("is no condition", remedy).of(setting, node));
        return Condition::always();
    };
    let all = entries.iter().map(|(key, entry)| {
        let setting = format!("{setting}.{key}");
        match key.as_str() {
            "$and" => Condition::All(list(problems, &setting, entry)),
            "$or" => Condition::Any(list(problems, &setting, entry)),
            "$nor" => Condition::None(list(problems, &setting, entry)),
            "$not" => Condition::None(vec![tree(problems, &setting, entry)]),
            _ if key.starts_with('$') => {
                unknown_operator(problems, &setting, key, entry, &LOGIC);
                Condition::always()
            }
            attribute => comparisons(problems, &setting, attribute, entry),
        }
    });
    together(all.collect())
}

fn list(problems: &mut Problems, setting: &str, node: &Node) -> Vec<Condition> {
    match &node.value {
        Value::List(items) if !items.is_empty() => items
            .iter()
            .enumerate()
            .map(|(index, item)| tree(problems, &format!("{setting}[{index}]"), item))
            .collect(),
        _ => {
            let remedy = "Write conditions in brackets: [{ country = \"US\" }, { device = \"phone\" }]";
            problems.push(Misfit::new("is no list of conditions", remedy).of(setting, node));
            Vec::new()
        }
    }
}

/// What one attribute has to satisfy.
fn comparisons(problems: &mut Problems, setting: &str, attribute: &str, node: &Node) -> Condition {
    if attribute.len() > MAX_KEY {
        problems.push(
            Misfit::new("is of no attribute", format!("Use at most {MAX_KEY} bytes")).of(setting, node),
        );
    }
    match &node.value {
        Value::Table(operators) => operator_table(problems, setting, attribute, operators, node),
        Value::List(_) => {
            let remedy = format!("For any of several values write {attribute} = {{ \"$in\" = {node} }}");
            problems.push(Misfit::new("is no single value", remedy).of(setting, node));
            Condition::always()
        }
        _ => compare(problems, setting, attribute, Operator::Eq, node),
    }
}

fn operator_table(
    problems: &mut Problems,
    setting: &str,
    attribute: &str,
    operators: &Table,
    node: &Node,
) -> Condition {
    if operators.is_empty() {
        problems.push(
            Misfit::new(
                "compares with nothing",
                "Write { \"$exists\" = true } for any value",
            )
            .of(setting, node),
        );
    }
    let all = operators.iter().map(|(name, operand)| {
        let setting = format!("{setting}.{name}");
        if name == "$not" {
            return Condition::None(vec![comparisons(problems, &setting, attribute, operand)]);
        }
        if let Some((_, operator)) = OPERATORS.iter().find(|(known, _)| known == name) {
            return compare(problems, &setting, attribute, *operator, operand);
        }
        let known: Vec<&str> = OPERATORS
            .iter()
            .map(|(known, _)| *known)
            .chain(["$not"])
            .collect();
        unknown_operator(problems, &setting, name, operand, &known);
        Condition::always()
    });
    together(all.collect())
}

fn compare(
    problems: &mut Problems,
    setting: &str,
    attribute: &str,
    operator: Operator,
    operand: &Node,
) -> Condition {
    let several = matches!(operator, Operator::In | Operator::Nin);
    let nodes: &[Node] = match &operand.value {
        Value::List(items) if several => items,
        _ if several => {
            let remedy = format!("Put the values in brackets: [{operand}]");
            problems.push(Misfit::new("is no list", remedy).of(setting, operand));
            &[]
        }
        _ => std::slice::from_ref(operand),
    };
    if nodes.len() > MAX_VALUES {
        problems.push(
            Misfit::new(
                format!("has {} values", nodes.len()),
                format!("Keep to {MAX_VALUES}"),
            )
            .of(setting, operand),
        );
    }
    let mut values = Vec::new();
    for node in nodes {
        match target(node, operator) {
            Ok(value) => values.push(value),
            Err(misfit) => problems.push(misfit.of(setting, node)),
        }
    }
    Condition::Compare {
        attribute: attribute.to_owned(),
        operator,
        values,
    }
}

fn target(node: &Node, operator: Operator) -> Result<Target, Misfit> {
    let value = match &node.value {
        Value::Text(text) if text.len() <= MAX_TEXT => Target::Text(text.clone()),
        Value::Text(_) => return Err(Misfit::new("is too long", format!("Keep to {MAX_TEXT} bytes"))),
        Value::Integer(number) => Target::Number(*number as f64),
        // Adding 0 turns -0 into 0: two ways to write a number make one revision.
        Value::Float(number) if number.is_finite() => Target::Number(number + 0.0),
        Value::Truth(truth) => Target::Truth(*truth),
        _ => {
            return Err(Misfit::new(
                "is nothing to compare with",
                "Write a text, a number, true or false",
            ));
        }
    };
    let ordered = matches!(
        operator,
        Operator::Lt | Operator::Lte | Operator::Gt | Operator::Gte
    );
    match &value {
        Target::Truth(_) if ordered => Err(Misfit::new(
            "has no order",
            "Write a number or a text, or use \"$eq\"",
        )),
        Target::Text(_) | Target::Number(_) if operator == Operator::Exists => Err(Misfit::new(
            "is neither true nor false",
            "Write true (has any value) or false (has none)",
        )),
        _ => Ok(value),
    }
}

fn unknown_operator(problems: &mut Problems, setting: &str, name: &str, node: &Node, known: &[&str]) {
    let remedy = match closest(name, known) {
        Some(known) => format!("Did you mean \"{known}\"?"),
        None => format!("Known here: {}", known.join(", ")),
    };
    let what = if name.starts_with('$') {
        "is no operator here"
    } else {
        "has no $ before its operator"
    };
    problems.push(Misfit::new(what, remedy).of(setting, node));
}

/// All of them; one alone needs no group around it.
fn together(mut all: Vec<Condition>) -> Condition {
    match (all.len(), all.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            all.extend(last);
            Condition::All(all)
        }
    }
}

/// The number of nodes, and the depth below the root.
fn size(condition: &Condition) -> (usize, usize) {
    match condition {
        Condition::All(children) | Condition::Any(children) | Condition::None(children) => children
            .iter()
            .map(size)
            .fold((1, 0), |(nodes, depth), (more, deep)| {
                (nodes + more, depth.max(deep + 1))
            }),
        Condition::Compare { .. } => (1, 0),
    }
}
