//! Who may name whom inside the collector.
//!
//! `http` and `trainer` both know the log and the hub and never each other, so that one can stand still, restart or
//! move to another machine without the other. A library with a large surface is named in one place, so that replacing
//! it is an afternoon.

use super::snapshot::File;
use super::{Finding, Snapshot, code};

/// The module that speaks with librdkafka.
const KAFKA: &str = "collector/src/log/kafka/client/";
/// What that is measured against does too.
const BARE: &str = "xtask/bare/";

/// The package of the Flink job that hosts the core: an instance, and its memory.
const CORE: &str = "flink/src/main/java/io/tiltwise/flink/core/";

pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(never_meet(snapshot, "http", "trainer"));
    found.extend(never_meet(snapshot, "trainer", "http"));
    for file in snapshot.rust("").filter(|file| !of_module(file, "http")) {
        for line in lines_naming(file, "axum") {
            found.push(Finding::at(
                &file.path,
                line,
                "axum is named under collector/src/http/ only",
            ));
        }
    }
    for file in snapshot
        .rust("")
        .filter(|file| ![KAFKA, BARE].iter().any(|home| file.path.starts_with(home)))
    {
        for line in lines_naming(file, "rdkafka") {
            found.push(Finding::at(
                &file.path,
                line,
                format!("rdkafka is named in the module {KAFKA} only"),
            ));
        }
    }
    for file in snapshot
        .files
        .iter()
        .filter(|file| file.path.ends_with(".java") && !file.path.starts_with(CORE))
    {
        for line in lines_naming(file, "endive") {
            let what = format!("the JVM's wasm runtime is named in {CORE} only");
            found.push(Finding::at(&file.path, line, what));
        }
    }
    found
}

fn never_meet(snapshot: &Snapshot, module: &str, other: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in snapshot
        .rust("collector/src/")
        .filter(|file| of_module(file, module))
    {
        for line in imports(&code::of(&file.text), other) {
            let what = format!(
                "{module} and {other} never meet: both know the log and the hub, only main knows all"
            );
            found.push(Finding::at(&file.path, line, what));
        }
    }
    found
}

fn of_module(file: &File, module: &str) -> bool {
    let Some(path) = file.path.strip_prefix("collector/src/") else {
        return false;
    };
    path.strip_prefix(module)
        .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

fn lines_naming(file: &File, name: &str) -> Vec<usize> {
    let code = code::of(&file.text);
    (1..)
        .zip(code.lines())
        .filter(|(_, line)| code::has_word(line, name))
        .map(|(number, _)| number)
        .collect()
}

/// The lines that use `module` as a path: `module::…` anywhere, or its name inside a `use`. A field or a variable of the
/// same name is neither.
fn imports(code: &str, module: &str) -> Vec<usize> {
    let mut lines = Vec::new();
    let mut in_use = false;
    for (number, line) in (1..).zip(code.lines()) {
        let trimmed = line.trim_start();
        in_use |= ["use ", "pub use ", "pub(crate) use "]
            .iter()
            .any(|start| trimmed.starts_with(start));
        let as_path = code::positions(line, module).any(|at| {
            line.get(at + module.len()..)
                .unwrap_or_default()
                .starts_with("::")
        });
        if as_path || (in_use && code::has_word(line, module)) {
            lines.push(number);
        }
        in_use &= !line.contains(';');
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(files: &[(&str, &str)]) -> Vec<String> {
        check(&Snapshot::of(files))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn http_may_not_import_the_trainer_in_any_spelling() {
        for import in [
            "use crate::trainer::Join;",
            "use crate::{\n  hub,\n  trainer,\n};",
            "let j = crate::trainer::x();",
        ] {
            assert_eq!(
                findings(&[("collector/src/http/ingest.rs", import)]).len(),
                1,
                "{import}"
            );
        }
    }

    #[test]
    fn a_setting_or_a_comment_that_says_trainer_is_no_import() {
        let text = "// The trainer::Join reads this later.\nlet lag = config.trainer.lateness;\n";
        assert!(findings(&[("collector/src/http/status.rs", text)]).is_empty());
    }

    #[test]
    fn the_trainer_may_not_import_http_but_the_crate_http_is_not_meant_elsewhere() {
        assert_eq!(
            findings(&[("collector/src/trainer.rs", "use crate::http::Door;")]).len(),
            1
        );
        assert!(findings(&[("collector/src/hub.rs", "use http::StatusCode;")]).is_empty());
    }

    #[test]
    fn axum_is_named_under_http_only() {
        assert!(findings(&[("collector/src/http/mod.rs", "use axum::Router;")]).is_empty());
        assert_eq!(
            findings(&[("collector/src/hub.rs", "use axum::Router;")]).len(),
            1
        );
    }

    #[test]
    fn the_wasm_runtime_is_named_in_one_package() {
        let import = "import run.endive.runtime.Memory;";
        let inside = "flink/src/main/java/io/tiltwise/flink/core/Core.java";
        assert!(findings(&[(inside, import)]).is_empty());
        assert_eq!(
            findings(&[("flink/src/main/java/io/tiltwise/flink/join/Join.java", import)]).len(),
            1
        );
    }

    #[test]
    fn rdkafka_is_named_in_one_module() {
        let inside = |file| ("collector/src/log/kafka/client/admin.rs", file);
        assert!(findings(&[inside("use rdkafka::ClientConfig;")]).is_empty());
        let outside = (
            "collector/src/log/kafka/writer.rs",
            "fn f(_: rdkafka::Message) {}",
        );
        let said = findings(&[outside]).join("");
        assert!(
            said.contains("writer.rs") && said.contains("log/kafka/client/"),
            "{said}"
        );
    }
}
