//! TypeScript computes no bucket and no probability: two implementations drift, and then two hosts disagree.

use super::{Finding, Snapshot};

/// Mathematics that has only one use here. Chance for an id comes from `crypto`, jitter from the session in Rust.
const MATHEMATICS: [&str; 5] = ["Math.random", "Math.exp", "Math.log", "Math.pow", "Math.sqrt"];

pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in snapshot
        .files
        .iter()
        .filter(|file| file.path.starts_with("wasm-pkg/src/"))
    {
        for (number, line) in (1..).zip(file.text.lines()) {
            for name in MATHEMATICS.iter().filter(|name| line.contains(**name)) {
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
