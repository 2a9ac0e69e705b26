//! How many tests a test program ran, read from its own summary.

/// Tests by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub passed: u32,
    pub failed: u32,
    pub skipped: u32,
}

impl Counts {
    /// One line that sums everything up, in the form that scripts look for.
    pub fn closing_line(self) -> String {
        format!(
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }

    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    /// Adds what this line reports, where it is a line of a summary of `cargo test`, `node --test` or Maven.
    pub fn read_line(&mut self, line: &str) {
        let line = without_colours(line);
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("test result: ") {
            self.add(cargo_summary(rest));
        } else if let Some(rest) = ["[INFO] ", "[WARNING] ", "[ERROR] "]
            .iter()
            .find_map(|level| line.strip_prefix(level))
        {
            self.add(maven_summary(rest));
        } else if let Some(rest) = line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ ")) {
            self.add(node_summary(rest));
        }
    }
}

/// `ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s`
fn cargo_summary(summary: &str) -> Counts {
    let mut counts = Counts::default();
    let (_, numbers) = summary.split_once(". ").unwrap_or_default();
    for part in numbers.split("; ") {
        match part
            .split_once(' ')
            .and_then(|(number, what)| Some((number.parse().ok()?, what)))
        {
            Some((number, "passed")) => counts.passed = number,
            Some((number, "failed")) => counts.failed = number,
            Some((number, "ignored")) => counts.skipped = number,
            _ => {}
        }
    }
    counts
}

/// One of the lines `pass 5`, `fail 0`, `cancelled 0`, `skipped 0`, `todo 0` that close a run.
fn node_summary(line: &str) -> Counts {
    let mut counts = Counts::default();
    match line
        .split_once(' ')
        .and_then(|(what, number)| Some((what, number.parse().ok()?)))
    {
        Some(("pass", number)) => counts.passed = number,
        Some(("fail" | "cancelled", number)) => counts.failed = number,
        Some(("skipped" | "todo", number)) => counts.skipped = number,
        _ => {}
    }
    counts
}

/// `Tests run: 17, Failures: 0, Errors: 0, Skipped: 0`; with a time and a class behind it, it is of one class alone.
fn maven_summary(summary: &str) -> Counts {
    let mut counts = Counts::default();
    if !summary.starts_with("Tests run: ") || summary.contains("Time elapsed") {
        return counts;
    }
    let mut numbers = summary
        .split(", ")
        .filter_map(|part| part.split_once(": ")?.1.parse::<u32>().ok());
    let mut next = || numbers.next().unwrap_or(0);
    let (run, failures, errors, skipped) = (next(), next(), next(), next());
    counts.failed = failures + errors;
    counts.skipped = skipped;
    counts.passed = run.saturating_sub(counts.failed + skipped);
    counts
}

fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            // A colour is ESC [ numbers m.
            chars.by_ref().find(|c| *c == 'm');
        } else {
            plain.push(c);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Counts {
        let mut counts = Counts::default();
        text.lines().for_each(|line| counts.read_line(line));
        counts
    }

    #[test]
    fn the_test_programs_of_a_cargo_run_are_summed() {
        let counts = read(
            "running 3 tests\n\
             test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
             test result: \u{1b}[31mFAILED\u{1b}[0m. 2 passed; 1 failed; 0 ignored; 0 measured; 4 filtered out\n",
        );
        assert_eq!(
            counts,
            Counts {
                passed: 7,
                failed: 1,
                skipped: 1
            }
        );
    }

    #[test]
    fn both_reporters_of_node_are_understood() {
        let tap = "# tests 6\n# suites 0\n# pass 3\n# fail 1\n# cancelled 1\n# skipped 1\n# todo 0\n# duration_ms 12.5\n";
        let expected = Counts {
            passed: 3,
            failed: 2,
            skipped: 1,
        };
        assert_eq!(read(tap), expected);
        assert_eq!(read(&tap.replace("# ", "ℹ ")), expected);
    }

    #[test]
    fn maven_s_summary_is_counted_and_that_of_a_class_is_not() {
        let said = "[ERROR] Tests run: 3, Failures: 1, Errors: 0, Skipped: 0, Time elapsed: 1.2 s <<< FAILURE! -- in A\n\
                    [INFO] Results:\n\
                    [ERROR] Tests run: 9, Failures: 1, Errors: 2, Skipped: 1\n";
        let expected = Counts {
            passed: 5,
            failed: 3,
            skipped: 1,
        };
        assert_eq!(read(said), expected);
    }

    #[test]
    fn what_a_test_prints_is_not_a_summary() {
        assert_eq!(read("3 passed\n# a comment\nok 1 - pass 5\n"), Counts::default());
    }

    #[test]
    fn the_closing_line_has_the_form_that_scripts_look_for() {
        assert_eq!(
            Counts {
                passed: 12,
                failed: 0,
                skipped: 2
            }
            .closing_line(),
            "12 passed, 0 failed, 2 skipped"
        );
    }
}
