//! What makes the core give the same bytes everywhere: no std, no unsafe, no clock, no hash map, no native mathematics.

use super::{Finding, Snapshot, code};

const HOME: &str = "edge/core/src/";

/// What the crate declares about itself.
const ATTRIBUTES: [&str; 2] = ["#![no_std]", "#![forbid(unsafe_code)]"];

/// Methods of f64 that std takes from the platform. Those of the platform and of wasm differ in 5 to 10 % of all inputs
/// of ln and exp, in the last bit, and a last bit is another propensity.
const NATIVE: [&str; 26] = [
    "ln", "ln_1p", "log", "log2", "log10", "exp", "exp2", "exp_m1", "sqrt", "cbrt", "powf", "powi", "hypot",
    "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh",
];

/// Names that have no place in a crate without clock, chance and order of its own.
const NAMES: [(&str, &str); 5] = [
    (
        "HashMap",
        "its order differs from run to run: BTreeMap, or a sorted list",
    ),
    (
        "HashSet",
        "its order differs from run to run: BTreeSet, or a sorted list",
    ),
    ("SystemTime", "time is an argument"),
    ("Instant", "time is an argument"),
    ("rand", "chance is an argument"),
];

pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Some(lib) = snapshot.file("edge/core/src/lib.rs") {
        for attribute in ATTRIBUTES {
            if !lib.text.lines().any(|line| line == attribute) {
                found.push(Finding::of_file(
                    &lib.path,
                    format!("the core declares {attribute}"),
                ));
            }
        }
    }
    for file in snapshot.rust(HOME) {
        let code = code::without_tests(&file.text);
        for (number, line) in (1..).zip(code.lines()) {
            found.extend(forbidden(line).map(|what| Finding::at(&file.path, number, what)));
        }
    }
    found
}

fn forbidden(line: &str) -> Option<String> {
    if code::positions(line, "std").any(|at| line.get(at + 3..).unwrap_or_default().starts_with("::")) {
        return Some("the core has no std: core and alloc have what it needs".to_owned());
    }
    if let Some(method) = NATIVE.iter().find(|method| calls(line, method)) {
        return Some(format!(
            "{method} is the platform's own and differs between hosts: use libm::{method}"
        ));
    }
    NAMES
        .iter()
        .find(|(name, _)| code::has_word(line, name))
        .map(|(name, why)| format!("{name}: {why}"))
}

/// True for `.method(` and `f64::method`, not for `libm::method`.
fn calls(line: &str, method: &str) -> bool {
    code::positions(line, method).any(|at| {
        let before = line.get(..at).unwrap_or_default();
        let after = line.get(at + method.len()..).unwrap_or_default();
        (before.ends_with('.') && after.starts_with('('))
            || before.ends_with("f64::")
            || before.ends_with("f32::")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> usize {
        check(&Snapshot::of(&[("edge/core/src/policy.rs", text)])).len()
    }

    #[test]
    fn mathematics_comes_from_libm() {
        assert_eq!(findings("let a = libm::exp(x) + libm::sqrt(y);\n"), 0);
        assert_eq!(findings("let a = x.exp();\nlet b = f64::sqrt(y);\n"), 2);
    }

    #[test]
    fn a_field_or_a_function_of_the_same_name_is_not_the_platforms() {
        assert_eq!(findings("let a = self.exp + tan(1) + log.entries();\n"), 0);
    }

    #[test]
    fn there_is_no_std_no_clock_and_no_hash_map() {
        assert_eq!(
            findings("use std::fmt;\nuse foo::HashMap;\nlet t = Instant::now();\n"),
            3
        );
    }

    #[test]
    fn tests_may_use_what_the_core_may_not() {
        assert_eq!(
            findings("fn f() {}\n#[cfg(test)]\nmod tests {\n    use std::vec::Vec;\n}\n"),
            0
        );
    }

    #[test]
    fn the_crate_declares_what_it_is() {
        let missing = |text| check(&Snapshot::of(&[("edge/core/src/lib.rs", text)])).len();
        assert_eq!(missing("#![no_std]\n#![forbid(unsafe_code)]\n"), 0);
        assert_eq!(missing("#![no_std]\n"), 1);
    }
}
