//! Who is eligible. Every attribute a condition names is looked up in the context; one that is absent equals nothing.
//!
//! `$ne` and `$nin` are true of an absent attribute, as in GrowthBook; an order comparison never is. Values of different
//! types are never equal and have no order.

use core::cmp::Ordering;

use crate::context::{Context, ContextValue};
use crate::revision::{Condition, Operator, Value};

/// Whether a context satisfies a condition.
pub fn matches(condition: &Condition, context: &Context) -> bool {
    match condition {
        Condition::All(children) => children.iter().all(|c| matches(c, context)),
        Condition::Any(children) => children.iter().any(|c| matches(c, context)),
        Condition::None(children) => !children.iter().any(|c| matches(c, context)),
        Condition::Compare {
            attribute,
            operator,
            values,
        } => compare(*operator, context.get(attribute), values),
    }
}

fn compare(operator: Operator, actual: Option<&ContextValue>, values: &[Value]) -> bool {
    let first = values.first();
    let equals = |value: &Value| actual.and_then(|a| order(a, value)) == Some(Ordering::Equal);
    let ordered = |accept: fn(Ordering) -> bool| {
        first
            .zip(actual)
            .and_then(|(value, actual)| order(actual, value))
            .is_some_and(accept)
    };
    match operator {
        Operator::Eq => first.is_some_and(equals),
        Operator::Ne => !first.is_some_and(equals),
        Operator::Lt => ordered(Ordering::is_lt),
        Operator::Lte => ordered(Ordering::is_le),
        Operator::Gt => ordered(Ordering::is_gt),
        Operator::Gte => ordered(Ordering::is_ge),
        Operator::In => values.iter().any(equals),
        Operator::Nin => !values.iter().any(equals),
        Operator::Exists => actual.is_some() == (first != Some(&Value::Truth(false))),
    }
}

fn order(actual: &ContextValue, value: &Value) -> Option<Ordering> {
    match (actual, value) {
        (ContextValue::Text(a), Value::Text(b)) => Some(a.as_str().cmp(b)),
        (ContextValue::Number(a), Value::Number(b)) => a.partial_cmp(b),
        (ContextValue::Truth(a), Value::Truth(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{string::ToString, vec, vec::Vec};

    fn holds(operator: Operator, values: &[Value]) -> bool {
        let mut context = Context::new();
        context.set("country", ContextValue::Text("US".to_string()));
        context.set("cart", ContextValue::Number(20.0));
        let attribute = if matches!(values.first(), Some(Value::Number(_))) {
            "cart"
        } else {
            "country"
        };
        matches(
            &Condition::Compare {
                attribute: attribute.to_string(),
                operator,
                values: values.to_vec(),
            },
            &context,
        )
    }

    fn texts(all: &[&str]) -> Vec<Value> {
        all.iter().map(|t| Value::Text(t.to_string())).collect()
    }

    #[test]
    fn a_value_is_in_a_list_that_names_it() {
        assert!(holds(Operator::In, &texts(&["CA", "US"])));
        assert!(!holds(Operator::Nin, &texts(&["CA", "US"])));
    }

    #[test]
    fn numbers_have_an_order_and_texts_are_not_numbers() {
        assert!(holds(Operator::Gte, &[Value::Number(20.0)]));
        assert!(!holds(Operator::Gt, &[Value::Number(20.0)]));
        assert!(!holds(Operator::Eq, &[Value::Truth(true)]));
    }

    #[test]
    fn an_absent_attribute_differs_from_every_value_and_precedes_none() {
        let absent = |operator, values: Vec<Value>| {
            matches(
                &Condition::Compare {
                    attribute: "age".to_string(),
                    operator,
                    values,
                },
                &Context::new(),
            )
        };
        assert!(absent(Operator::Ne, vec![Value::Number(1.0)]));
        assert!(!absent(Operator::Lt, vec![Value::Number(1.0)]));
        assert!(!absent(Operator::Exists, vec![Value::Truth(true)]));
        assert!(absent(Operator::Exists, vec![Value::Truth(false)]));
    }

    #[test]
    fn nobody_matches_any_of_nothing_and_everybody_all_of_nothing() {
        assert!(!matches(&Condition::Any(Vec::new()), &Context::new()));
        assert!(matches(&Condition::always(), &Context::new()));
    }
}
