//! What an import says of itself.

use serde_json::json;

use super::Args;
use crate::history::{Kept, Tally};

pub(super) fn report(args: &Args, kept: &Kept, tally: &Tally, absent: &[String], imported: bool) {
    let about = &kept.about;
    let counts_as = kept.counts_as(&kept.revision).round();
    if args.json {
        let left_out: Vec<serde_json::Value> = tally
            .left_out()
                        .map(|(reason, of_outcomes, entry)| {
                json!({ "file": if of_outcomes { "outcomes" } else { "decisions" }, "reason": reason.label(), "rows": entry.rows, "lines": entry.lines, "bad": reason.is_bad() })
            })
            .collect();
        println!(
            "{:#}",
            json!({
                "imported": imported,
                "experiment": about.experiment,
                "rows": about.rows,
                "decisions": about.decisions,
                "outcomes": about.outcomes,
                "badRows": tally.bad(),
                "leftOut": left_out,
                "choice": about.choice,
                "movesVariants": about.moves_variants,
                "worth": about.worth,
                "countsAs": counts_as,
                "absentAttributes": absent,
            })
        );
        return;
    }
    let unused: u64 = tally.left_out().map(|(_, _, entry)| entry.rows).sum();
    println!(
        "{}: {} rows; {} visitors and {} rows of outcomes are used, {unused} rows are left out",
        about.file, about.rows, about.decisions, about.outcomes
    );
    for line in tally.lines() {
        println!("{line}");
    }
    if !absent.is_empty() {
        println!(
            "no column for   {}: counts as absent, as it does on a page that does not know it",
            absent.join(", ")
        );
    }
    println!("chosen          {}", about.choice);
    println!(
        "may move        {}",
        if about.moves_variants {
            "the variants' start; never a result"
        } else {
            "predictions of all variants alike; no choice between them, and never a result"
        }
    );
    println!("counts as       {counts_as} visitors, and less as time passes");
    println!(
        "{}",
        match (args.dry_run, imported) {
            (true, _) => "Nothing was imported (--dry-run).".to_owned(),
            (false, false) => "It is imported already; nothing was changed.".to_owned(),
            (false, true) => format!(
                "Imported for {0}. A running collector uses it in its next snapshot; `tiltwise import --forget {0}` takes \
                 it back.",
                about.experiment
            ),
        }
    );
}
