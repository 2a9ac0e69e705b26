//! Rows one by one: what is used, what is wrong with the others, and that each is somewhere.

use std::fmt::Write;

use serde_json::json;

use crate::folder::{Folder, all_accounted_for, left_out, shown};

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

fn past(extra: &str) -> String {
    let mut text = "at,who,arm,device,won\n".to_owned();
    for i in 0..400 {
        let arm = if i % 2 == 0 { "calm" } else { "bold" };
        let won = u8::from(i % 10 == 1);
        writeln!(text, "{},visitor-{i},{arm},phone,{won}", 1_700_000_000 + i * 60).unwrap();
    }
    text + extra
}

#[test]
fn bad_rows_are_counted_by_reason_and_named_by_line() {
    let folder = Folder::new();
    folder.write(
        "past.csv",
        &past(
            "soon,x1,calm,phone,0\n\
             1700000000,,calm,phone,0\n\
             1700000000,x2,pink,phone,0\n\
             1700000000,x3,bold,phone,perhaps\n\
             1700000000,x4,bold\n\
             9999999999,x5,bold,phone,1\n\
             ,x6,bold,phone,1\n\
             1700000000,x7,,phone,1\n\
             soon,x8,calm,phone,0\n",
        ),
    );
    let words = [&["past.csv", "--randomised", "calm=0.5,bold=0.5"], &BY_HAND[..]].concat();
    let answer = folder.import(&words);
    all_accounted_for(&answer);
    assert_eq!(answer["badRows"], 9);
    let lines = |reason: &str| {
        let entries = answer["leftOut"].as_array().unwrap();
        entries.iter().find(|entry| entry["reason"] == reason).unwrap()["lines"].clone()
    };
    // The header is line 1.
    assert_eq!(lines("bad-time"), json!([402, 410]));
    assert_eq!(lines("no-unit"), json!([403]));
    assert_eq!(lines("unknown-variant"), json!([404]));
    assert_eq!(lines("bad-outcome"), json!([405]));
    assert_eq!(lines("malformed"), json!([406]));
    assert_eq!(lines("future"), json!([407]));
    assert_eq!(lines("no-time"), json!([408]));
    assert_eq!(lines("no-variant"), json!([409]));
    assert_eq!(shown(&folder.kept()[0]), [(200, 0), (200, 40)]);

    let said = String::from_utf8(folder.run(&[&words[..], &["--dry-run"]].concat()).stdout).unwrap();
    assert!(
        said.contains("2  the time is none that is known here (\"soon\" in line 402): lines 402, 410"),
        "{said}"
    );
    assert!(
        said.contains("409 rows; 400 visitors and 0 rows of outcomes are used, 9 rows are left out"),
        "{said}"
    );
    assert!(said.contains("Nothing was imported (--dry-run)."), "{said}");
}

#[test]
fn a_dry_run_keeps_nothing_and_the_same_file_twice_counts_once() {
    let folder = Folder::new();
    folder.write("past.csv", &past(""));
    let words = [&["past.csv", "--randomised", "calm=0.5,bold=0.5"], &BY_HAND[..]].concat();
    assert_eq!(
        folder.import(&[&words[..], &["--dry-run"]].concat())["imported"],
        false
    );
    assert!(folder.kept().is_empty());
    assert_eq!(folder.import(&words)["imported"], true);
    let before = folder.bytes();
    assert_eq!(folder.import(&words)["imported"], false);
    assert_eq!(folder.bytes(), before);
    let output = folder.run(
        &[
            &["past.csv", "--randomised", "calm=0.501,bold=0.499"],
            &BY_HAND[..],
        ]
        .concat(),
    );
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        said.contains("twice would count its visitors twice") && said.contains("--forget hero"),
        "{said}"
    );
    let forgotten = folder.run(&["--forget", "hero"]);
    assert!(
        String::from_utf8(forgotten.stdout)
            .unwrap()
            .contains("1 import for hero")
    );
    assert!(folder.kept().is_empty());
}

#[test]
fn no_unit_is_kept() {
    let folder = Folder::new();
    folder.write("past.csv", &past(""));
    folder.import(
        &[
            &["past.csv", "--only-variant", "calm"],
            &BY_HAND[..4],
            &BY_HAND[6..],
        ]
        .concat(),
    );
    let bytes = folder.bytes();
    assert!(!bytes.windows(8).any(|window| window == b"visitor-"));
}

#[test]
fn rows_with_a_logged_propensity_weigh_by_its_inverse_and_need_one() {
    let folder = Folder::new();
    let mut text = "at,who,arm,device,won,p\n".to_owned();
    // Shown bold with .8 or .2 by the weather, which no attribute knows; it wins when the sun shines, whatever is shown.
    for i in 0..4_000 {
        let sun = i % 2 == 0;
        let bold = i / 2 % 5 < if sun { 4 } else { 1 };
        let p = if bold == sun { 0.8 } else { 0.2 };
        let arm = if bold { "bold" } else { "calm" };
        writeln!(
            text,
            "{},v{i},{arm},phone,{},{p}",
            1_700_000_000 + i,
            u8::from(sun)
        )
        .unwrap();
    }
    text += "1700000000,x1,bold,phone,0,1.5\n1700000000,x2,bold,phone,0,\n1700000000,x3,bold,phone,0,1\n";
    folder.write("past.csv", &text);
    let answer = folder.import(&[&["past.csv", "--propensity", "p"], &BY_HAND[..]].concat());
    all_accounted_for(&answer);
    let left = [("no-propensity", 1), ("bad-propensity", 1), ("certain", 1)].map(|(r, n)| (r.to_owned(), n));
    assert_eq!(left_out(&answer), left);
    let kept = &folder.kept()[0];
    assert_eq!(kept.parts.len(), 2);
    let mut weighed = [(0.0, 0.0); 2];
    for part in &kept.parts {
        for (_, arms) in part.sums.learning.buckets() {
            for (sum, arm) in weighed.iter_mut().zip(arms) {
                sum.0 += part.weight * arm.n as f64;
                sum.1 += part.weight * arm.sum_r as f64 / 1e6;
            }
        }
    }
    // As they were shown, bold wins .8 of the time and calm .2; weighed, each wins half of it.
    for (n, r) in weighed {
        assert!((r / n - 0.5).abs() < 0.02, "{weighed:?}");
    }
}

#[test]
fn amounts_are_capped_like_the_experiments_and_other_currencies_are_left_out() {
    let folder = Folder::with(&crate::folder::HERO.replace(
        "{ event = \"signup\", window = \"30m\" }",
        "{ event = \"purchase\", value = \"sum\", cap = 100.0, currency = \"EUR\", window = \"30m\" }",
    ));
    folder.write(
        "past.csv",
        "at,who,arm,amount,money\n\
         1700000000,a,calm,50,EUR\n1700000000,b,bold,500,EUR\n1700000000,c,bold,,\n1700000000,d,bold,-3,EUR\n\
         1700000000,e,calm,20,USD\n",
    );
    let words = [
        "past.csv",
        "--time",
        "at",
        "--unit",
        "who",
        "--variant-column",
        "arm",
        "--value",
        "amount",
        "--currency",
        "money",
        "--randomised",
        "calm=0.5,bold=0.5",
    ];
    let answer = folder.import(&words);
    let left = [("bad-outcome", 1), ("other-currency", 1)].map(|(r, n)| (r.to_owned(), n));
    assert_eq!(left_out(&answer), left);
    let sums: i64 = folder.kept()[0].parts[0]
        .sums
        .learning
        .buckets()
        .flat_map(|(_, arms)| arms)
        .map(|arm| arm.sum_r)
        .sum();
    assert_eq!(sums, 1_500_000);
}

#[test]
fn a_mapping_file_says_the_same_as_flags_and_renames_values() {
    let folder = Folder::new();
    folder.write(
        "past.csv",
        &past("")
            .replace("phone", "mobile")
            .replace("calm", "A")
            .replace("bold", "B"),
    );
    folder.write(
        "mapping.toml",
        "time = \"at\"\nunit = \"who\"\nvariant = \"arm\"\noutcome = \"won\"\nvariants = { A = \"calm\", B = \"bold\" }\n\
         [values.device]\nmobile = \"phone\"\n",
    );
    folder.import(&[
        "past.csv",
        "--mapping",
        "mapping.toml",
        "--randomised",
        "calm=0.5,bold=0.5",
    ]);
    let mapped = folder.kept()[0].parts[0].sums.encode();
    let other = Folder::new();
    other.write("past.csv", &past(""));
    other.import(&[&["past.csv", "--randomised", "calm=0.5,bold=0.5"], &BY_HAND[..]].concat());
    assert_eq!(other.kept()[0].parts[0].sums.encode(), mapped);
}

#[test]
fn what_is_older_than_ten_half_lives_or_not_let_in_is_said() {
    let folder =
        Folder::with(&crate::folder::HERO.replace("half_life = \"none\"", "when = { device = \"phone\" }"));
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let text = format!(
        "at,who,arm,device,won\n1700000000,old,calm,phone,1\n{0},desk,calm,desk,1\n{1},young,calm,phone,0\n\
         {0},good,calm,phone,1\n",
        now - 7_200,
        now - 60
    );
    folder.write("past.csv", &text);
    let answer = folder.import(&[&["past.csv", "--only-variant", "calm"], &BY_HAND[..]].concat());
    all_accounted_for(&answer);
    let left = [("not-eligible", 1), ("too-young", 1), ("too-old", 1)].map(|(r, n)| (r.to_owned(), n));
    assert_eq!(left_out(&answer), left);
    assert_eq!(answer["decisions"], 1);
}
