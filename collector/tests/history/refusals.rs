//! What is refused as a whole, with its sentence and its remedy.

use std::fmt::Write;

use crate::folder::Folder;

const BY_HAND: [&str; 8] = [
    "--time",
    "at",
    "--unit",
    "who",
    "--variant-column",
    "arm",
    "--outcome",
    "won",
];

fn rows(calm: usize, bold: usize) -> String {
    let mut text = "at,who,arm,won,p\n".to_owned();
    for i in 0..calm + bold {
        let arm = if i < calm { "calm" } else { "bold" };
        writeln!(text, "{},v{i},{arm},0,0.05", 1_700_000_000 + i).unwrap();
    }
    text
}

fn refused(text: &str, words: &[&str]) -> String {
    let folder = Folder::new();
    folder.write("past.csv", text);
    folder.refused(&[&["past.csv"], words, &BY_HAND[..]].concat())
}

#[test]
fn variants_that_nobody_knows_the_choice_of() {
    let said = refused(&rows(50, 50), &[]);
    assert!(
        said.contains("shows several variants (calm, bold), and nothing says how they were chosen"),
        "{said}"
    );
    assert!(
        said.contains("--propensity COLUMN") && said.contains("--only-variant KEY"),
        "{said}"
    );
}

#[test]
fn one_variant_that_is_not_declared_to_be_one() {
    let said = refused(&rows(50, 0), &[]);
    assert!(
        said.contains("shows calm alone, and nothing says so") && said.contains("--only-variant calm"),
        "{said}"
    );
}

#[test]
fn one_variant_that_is_said_to_be_chosen() {
    for words in [&["--randomised", "calm=0.5,bold=0.5"][..], &["--propensity", "p"]] {
        let said = refused(&rows(50, 0), words);
        assert!(
            said.contains("shows calm alone, so nothing was chosen between"),
            "{said}"
        );
    }
}

#[test]
fn one_variant_of_which_there_are_two() {
    let said = refused(&rows(50, 1), &["--only-variant", "calm"]);
    assert!(
        said.contains("is declared to show calm alone, and shows calm, bold"),
        "{said}"
    );
}

#[test]
fn shares_that_the_rows_deny() {
    let said = refused(&rows(700, 300), &["--randomised", "calm=0.5,bold=0.5"]);
    assert!(
        said.contains("shows calm to 70 % of units and not to the 50 % that are declared"),
        "{said}"
    );
}

#[test]
fn propensities_that_the_rows_deny() {
    let said = refused(&rows(500, 500), &["--propensity", "p"]);
    assert!(
        said.contains("has propensities that are too small") && said.contains("10 times as often"),
        "{said}"
    );
}

#[test]
fn a_file_without_a_row_that_can_be_used() {
    let said = refused(
        "at,who,arm,won\nsoon,v1,calm,0\nlater,v2,bold,0\n",
        &["--randomised", "calm=0.5,bold=0.5"],
    );
    assert!(
        said.contains("has no row that can be used, of 2") && said.contains("lines 2, 3"),
        "{said}"
    );
}

#[test]
fn columns_that_are_not_there_or_not_named() {
    let said = refused(
        "when,who,arm,won\n1700000000,v1,calm,0\n",
        &["--only-variant", "calm"],
    );
    assert!(
        said.contains("has no column \"at\" (--time); its columns are when, who, arm, won"),
        "{said}"
    );
    let folder = Folder::new();
    folder.write("past.csv", &rows(5, 5));
    let said = folder.refused(&[
        "past.csv",
        "--only-variant",
        "calm",
        "--time",
        "at",
        "--unit",
        "who",
    ]);
    assert!(
        said.contains("a column for what came of it") && said.contains("--outcome"),
        "{said}"
    );
}

#[test]
fn variants_and_experiments_that_do_not_exist() {
    let said = refused(&rows(5, 5), &["--only-variant", "pink"]);
    assert!(
        said.contains("no variant of hero. Its variants are calm, bold"),
        "{said}"
    );
    let said = refused(&rows(5, 5), &["--experiment", "other"]);
    assert!(
        said.contains("no experiment \"other\"") && said.contains("hero"),
        "{said}"
    );
}

#[test]
fn files_that_are_none() {
    for (text, what) in [
        ("", "the file is empty"),
        ("[{}]", "one JSON list"),
        ("\u{1f}", "compressed"),
    ] {
        let said = refused(text, &["--only-variant", "calm"]);
        assert!(said.contains(what), "{said}");
    }
    let said = Folder::new().refused(&[&["nowhere.csv", "--only-variant", "calm"], &BY_HAND[..]].concat());
    assert!(said.contains("nowhere.csv: No such file"), "{said}");
}

#[test]
fn a_mapping_file_that_says_something_else() {
    let folder = Folder::new();
    folder.write("past.csv", &rows(5, 5));
    folder.write("mapping.toml", "time = \"at\"\nwho = \"x\"\n");
    let said = folder.refused(&["past.csv", "--mapping", "mapping.toml", "--only-variant", "calm"]);
    assert!(said.contains("line 2") && said.contains("`who`"), "{said}");
}
