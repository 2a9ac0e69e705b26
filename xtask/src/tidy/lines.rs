//! A file holds one idea, and one idea fits into 480 lines.

use super::{Finding, Snapshot};

/// Where the best-kept code bases near this field have their ninetieth percentile.
const MOST: usize = 480;

const SOURCES: [&str; 10] = [
    ".rs", ".ts", ".tsx", ".js", ".mjs", ".css", ".html", ".proto", ".java", ".sh",
];

/// Files that may be longer, each with its reason.
const EXCEPTIONS: [(&str, &str); 0] = [];

pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in &snapshot.files {
        let is_source = SOURCES.iter().any(|ending| file.path.ends_with(ending));
        let lines = file.text.lines().count();
        if is_source && lines > MOST && !EXCEPTIONS.iter().any(|(path, _)| *path == file.path) {
            let what =
                format!("{lines} lines, {MOST} at most: find the second idea in it and give it a file");
            found.push(Finding::of_file(&file.path, what));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_source_file_is_found_and_a_long_table_of_data_is_not() {
        let long = "x\n".repeat(MOST + 1);
        let snapshot = Snapshot::of(&[("a.rs", &long), ("golden.json", &long), ("b.rs", "x\n")]);
        let found = check(&snapshot);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, "a.rs");
    }
}
