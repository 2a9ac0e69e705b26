//! TypeScript computes no bucket and no probability: two implementations drift, and then two hosts disagree.

use super::{Finding, Snapshot};

/// Mathematics that has only one use here. Chance for an id comes from `crypto`.
const MATHEMATICS: [&str; 5] = ["Math.random", "Math.exp", "Math.log", "Math.pow", "Math.sqrt"];

/// Files that may use one of them, each with its reason.
const EXCEPTIONS: [(&str, &str); 1] = [
    // Jitter, so that the pages that lost a collector do not come back to it at one moment. No arm depends on it.
    ("wasm-pkg/src/backoff.ts", "Math.random"),
];

pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in snapshot
        .files
        .iter()
        .filter(|file| file.path.starts_with("wasm-pkg/src/"))
    {
        for (number, line) in (1..).zip(file.text.lines()) {
            let names = MATHEMATICS.iter().filter(|name| line.contains(**name));
            for name in names.filter(|name| !EXCEPTIONS.contains(&(file.path.as_str(), **name))) {
                found.push(Finding::at(
                    &file.path,
                    number,
                    format!("{name}: the core computes, in every host alike"),
                ));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_in_the_package_is_found_and_rounding_is_not() {
        let check = |text| check(&Snapshot::of(&[("wasm-pkg/src/client.ts", text)])).len();
        assert_eq!(check("const arm = Math.random() < 0.5;"), 1);
        assert_eq!(check("const pixels = Math.round(width);"), 0);
    }
}
