//! Words that say "unfinished", and tests that are switched off.
//!
//! What is missing is left out, or is asserted as it is today by a test that says it is wrong.

use super::snapshot::File;
use super::{Finding, Snapshot, code};

/// Words in any text file. They are put together here so that this file may name them.
const MARKS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

/// In Rust code, strings and comments aside.
const RUST: [&str; 4] = ["#[ignore", "#[should_panic]", "todo!", "unimplemented!"];

/// In JavaScript and TypeScript. `only` switches off all the others.
const SCRIPT: [&str; 6] = [
    ".skip(",
    ".only(",
    ".todo(",
    "skip: true",
    "only: true",
    "@ts-ignore",
];

/// In Java.
const JAVA: [&str; 3] = ["@Disabled", "@Ignore", "assumeTrue("];

pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in &snapshot.files {
        for (number, line) in (1..).zip(file.text.lines()) {
            for mark in MARKS.iter().filter(|mark| code::has_word(line, mark)) {
                let what = format!("{mark}: do it, or leave it out and say so where readers look");
                found.push(Finding::at(&file.path, number, what));
            }
        }
        found.extend(switched_off(file));
    }
    found
}

fn switched_off(file: &File) -> Vec<Finding> {
    let (text, words): (String, &[&str]) = if file.path.ends_with(".rs") {
        (code::of(&file.text), &RUST)
    } else if [".ts", ".tsx", ".js", ".mjs"]
        .iter()
        .any(|ending| file.path.ends_with(ending))
    {
        (file.text.clone(), &SCRIPT)
    } else if file.path.ends_with(".java") {
        (file.text.clone(), &JAVA)
    } else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        for word in words.iter().filter(|word| line.contains(**word)) {
            let what = format!("{word}: assert what is so today, and say where it is wrong");
            found.push(Finding::at(&file.path, number, what));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> usize {
        check(&Snapshot::of(&[(path, text)])).len()
    }

    #[test]
    fn a_promise_to_do_it_later_is_found_wherever_it_stands() {
        for mark in MARKS {
            assert_eq!(findings("README.md", &format!("{mark}: more")), 1);
            assert_eq!(findings("a.rs", &format!("// {mark}")), 1);
            assert_eq!(findings("a.rs", &format!("let {mark}LIST = 1;")), 0);
        }
    }

    #[test]
    fn a_test_that_is_switched_off_is_found_in_both_languages() {
        assert_eq!(findings("a.rs", "#[ignore = \"slow\"]\nfn f() {}"), 1);
        assert_eq!(findings("a.ts", "test.skip(\"later\", () => {});"), 1);
        assert_eq!(findings("A.java", "@Disabled\nvoid f() {}"), 1);
        assert_eq!(findings("a.mjs", "test.only(\"mine\", () => {});"), 1);
    }

    #[test]
    fn skipping_the_first_of_an_iterator_is_no_switched_off_test() {
        assert_eq!(findings("a.rs", "for x in list.iter().skip(1) {}"), 0);
    }
}
