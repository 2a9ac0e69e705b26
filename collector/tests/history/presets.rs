//! What the exports of other tools say.

use crate::folder::{Folder, all_accounted_for, left_out, sample, shown};

const EVEN: &str = "calm=0.5,bold=0.5";

fn check(folder: &Folder, words: &[&str], expected: &[(i64, i64)], left: &[(&str, u64)]) {
    let answer = folder.import(words);
    all_accounted_for(&answer);
    let left: Vec<(String, u64)> = left
        .iter()
        .map(|&(reason, rows)| (reason.to_owned(), rows))
        .collect();
    assert_eq!(left_out(&answer), left, "{answer}");
    assert_eq!(shown(&folder.kept()[0]), expected);
}

#[test]
fn rows_of_the_ga4_export_to_bigquery() {
    let file = sample("ga4.jsonl");
    let words = [
        &file,
        "--preset",
        "ga4",
        "--source-experiment",
        "AB-hero",
        "--variant",
        "0=calm",
        "--variant",
        "1=bold",
        "--randomised",
        EVEN,
    ];
    // One signed up two hours later, when the window had closed; the last was shown too late for anybody to know.
    let left = [("too-young", 1), ("other-event", 1), ("other-experiment", 1)];
    check(&Folder::new(), &words, &[(1, 1), (2, 1)], &left);
}

#[test]
fn events_of_a_posthog_export() {
    let file = sample("posthog.jsonl");
    let words = [
        &file,
        "--preset",
        "posthog",
        "--variant",
        "control=calm",
        "--variant",
        "test=bold",
        "--randomised",
        EVEN,
    ];
    let left = [
        ("two-variants", 2),
        ("repeated", 1),
        ("other-event", 2),
        ("other-experiment", 1),
    ];
    check(&Folder::new(), &words, &[(1, 0), (1, 1)], &left);
    // Where the flag is read from events of another name.
    let words = [
        &file,
        "--preset",
        "posthog",
        "--exposure",
        "$pageview",
        "--variant",
        "test=bold",
        "--only-variant",
        "bold",
    ];
    let answer = Folder::new().import(&words);
    assert_eq!(answer["decisions"], 1, "{answer}");
}

#[test]
fn track_calls_of_segment() {
    let file = sample("segment.jsonl");
    let words = [
        &file,
        "--preset",
        "segment",
        "--variant",
        "Calm=calm",
        "--variant",
        "Bold=bold",
        "--randomised",
        EVEN,
    ];
    let left = [("other-event", 2), ("other-experiment", 1)];
    check(&Folder::new(), &words, &[(1, 0), (1, 1)], &left);
    // By the tool's own id, and the variation's.
    let words = [
        &file,
        "--preset",
        "segment",
        "--source-experiment",
        "e-77",
        "--variant",
        "v-0=calm",
        "--variant",
        "v-1=bold",
        "--randomised",
        EVEN,
    ];
    check(&Folder::new(), &words, &[(1, 0), (1, 1)], &left);
}

#[test]
fn an_assignment_query_of_growthbook_with_the_rows_of_a_metric() {
    let (file, metric) = (sample("growthbook.csv"), sample("growthbook-metric.csv"));
    let words = [
        &file,
        "--outcomes",
        &metric,
        "--preset",
        "growthbook",
        "--variant",
        "0=calm",
        "--variant",
        "1=bold",
        "--randomised",
        EVEN,
    ];
    let left = [("repeated", 1), ("other-experiment", 1)];
    check(&Folder::new(), &words, &[(1, 0), (2, 1)], &left);
}

#[test]
fn assignments_and_metric_rows_may_be_in_one_file() {
    let folder = Folder::new();
    folder.write(
        "both.csv",
        "user_id,timestamp,experiment_id,variation_id,value\n\
         u1,2024-03-01T12:00:00Z,hero,0,\nu1,2024-03-01T12:05:00Z,,,1\nu2,2024-03-01T12:01:00Z,hero,1,\n\
         u9,2024-03-01T19:01:00Z,,,1\n",
    );
    let words = [
        "both.csv",
        "--preset",
        "growthbook",
        "--variant",
        "0=calm",
        "--variant",
        "1=bold",
        "--randomised",
        EVEN,
    ];
    check(&folder, &words, &[(1, 1), (1, 0)], &[]);
}
