//! Who may import whom, as the manifests declare it, and what the demo may not have to build.

use super::snapshot::{Crate, Need};
use super::{Finding, Snapshot};

/// What the core may use beside core and alloc.
const CORE_NEEDS: [&str; 1] = ["libm"];

/// What the core may use where a feature asks for it.
const CORE_MAY_NEED: [&str; 1] = ["serde"];

/// Minutes to build, or a C library to install: not on the way to a running demo.
const NOT_IN_THE_DEMO: [&str; 6] = [
    "wasmtime",
    "cranelift-codegen",
    "rdkafka",
    "rdkafka-sys",
    "openssl-sys",
    "parquet",
];

pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let mut found = Vec::new();
    for package in &snapshot.crates {
        for need in &package.needs {
            if let Some(what) = forbidden(package, need) {
                found.push(Finding::of_file(
                    "Cargo.toml",
                    format!("{} needs {}: {what}", package.name, need.name),
                ));
            }
        }
    }
    for name in NOT_IN_THE_DEMO {
        if snapshot.demo_tree.iter().any(|package| package == name) {
            let what = format!(
                "the demo would build {name}; `cargo tree --invert {name}` says on whose account: put it behind a feature"
            );
            found.push(Finding::of_file("Cargo.lock", what));
        }
    }
    found
}

fn forbidden(package: &Crate, need: &Need) -> Option<&'static str> {
    let core_may = CORE_NEEDS.contains(&need.name.as_str())
        || (need.optional && CORE_MAY_NEED.contains(&need.name.as_str()));
    match (package.name.as_str(), need.name.as_str()) {
        (_, "tiltwise-tests") => Some("nobody imports the tests"),
        ("tiltwise-collector", "tiltwise-edge") => {
            Some("the collector speaks with edges through bytes, and shares tiltwise-core with them")
        }
        ("tiltwise-core", _) if !need.for_tests && !core_may => {
            Some("the core uses libm only, and serde behind a feature: every page pays for more")
        }
        (name, "wasmtime") if name != "tiltwise-tests" => Some("wasmtime belongs to the crate in tests/"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(package: &str, needs: &[(&str, bool, bool)]) -> usize {
        let needs = needs.iter().map(|(name, optional, for_tests)| Need {
            name: (*name).to_owned(),
            optional: *optional,
            for_tests: *for_tests,
        });
        let package = Crate {
            name: package.to_owned(),
            needs: needs.collect(),
        };
        check(&Snapshot {
            crates: vec![package],
            ..Snapshot::default()
        })
        .len()
    }

    #[test]
    fn the_collector_may_use_the_core_and_not_the_edge() {
        assert_eq!(
            findings("tiltwise-collector", &[("tiltwise-core", false, false)]),
            0
        );
        assert_eq!(
            findings("tiltwise-collector", &[("tiltwise-edge", false, true)]),
            1
        );
    }

    #[test]
    fn the_core_takes_nothing_but_libm_and_serde_behind_a_feature() {
        assert_eq!(
            findings("tiltwise-core", &[("libm", false, false), ("serde", true, false)]),
            0
        );
        assert_eq!(
            findings("tiltwise-core", &[("serde", false, false), ("rand", true, false)]),
            2
        );
        assert_eq!(findings("tiltwise-core", &[("proptest", false, true)]), 0);
    }

    #[test]
    fn nobody_imports_the_tests_and_only_they_host_wasmtime() {
        assert_eq!(
            findings(
                "xtask",
                &[("tiltwise-tests", false, false), ("wasmtime", true, false)]
            ),
            2
        );
        assert_eq!(findings("tiltwise-tests", &[("wasmtime", false, false)]), 0);
    }

    #[test]
    fn what_takes_minutes_to_build_stays_out_of_the_demo() {
        let tree = |name: &str| Snapshot {
            demo_tree: vec![name.to_owned()],
            ..Snapshot::default()
        };
        assert!(check(&tree("tokio")).is_empty());
        assert_eq!(check(&tree("rdkafka-sys")).len(), 1);
    }
}
