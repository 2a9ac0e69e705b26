//! Versions that must agree, and are written in two places.

use super::{Finding, Snapshot};

pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let text = |path| {
        snapshot
            .file(path)
            .map(|file| file.text.as_str())
            .unwrap_or_default()
    };
    let mut found = Vec::new();
    let lock = text("Cargo.lock");
    let (macros, glue) = (
        locked(lock, "wasm-bindgen"),
        locked(lock, "wasm-bindgen-cli-support"),
    );
    if macros != glue {
        let what = format!(
            "wasm-bindgen is {}, wasm-bindgen-cli-support is {}: one writes what the other reads, pin both to one version",
            macros.join(" and "),
            glue.join(" and ")
        );
        found.push(Finding::of_file("Cargo.lock", what));
    }
    let channel = quoted(text("rust-toolchain.toml"), "channel = ");
    let least = quoted(text("Cargo.toml"), "rust-version = ");
    if !channel.starts_with(least) {
        let what = format!("the toolchain is {channel}, and rust-version in Cargo.toml says {least}");
        found.push(Finding::of_file("rust-toolchain.toml", what));
    }
    found
}

/// Every version of this package in the lock file.
fn locked<'a>(lock: &'a str, name: &str) -> Vec<&'a str> {
    let named = format!("name = \"{name}\"\n");
    lock.split("[[package]]\n")
        .filter(|entry| entry.starts_with(&named))
        .map(|entry| quoted(entry, "version = "))
        .collect()
}

/// What stands between the quotes after `key` at the start of a line.
fn quoted<'a>(text: &'a str, key: &str) -> &'a str {
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(key))
        .unwrap_or_default();
    value.trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(glue: &str, channel: &str) -> usize {
        let lock = format!(
            "version = 4\n\n[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n\n\
             [[package]]\nname = \"wasm-bindgen-cli-support\"\nversion = \"{glue}\"\n"
        );
        let toolchain = format!("[toolchain]\nchannel = \"{channel}\"\n");
        check(&Snapshot::of(&[
            ("Cargo.lock", &lock),
            ("rust-toolchain.toml", &toolchain),
            ("Cargo.toml", "rust-version = \"1.95\"\n"),
        ]))
        .len()
    }

    #[test]
    fn the_two_halves_of_wasm_bindgen_are_one_version() {
        assert_eq!(findings("0.2.130", "1.95.0"), 0);
        assert_eq!(findings("0.2.129", "1.95.0"), 1);
    }

    #[test]
    fn the_toolchain_is_the_one_that_the_manifests_promise() {
        assert_eq!(findings("0.2.130", "1.94.1"), 1);
    }
}
