//! Stages with a name, a time and a verdict, and the line that sums them up.
//!
//! Counts are tests, not stages: a stage that ran tests adds their numbers, one that failed without counting any adds
//! one failure, one that could not run adds one skip. A stage without tests that went well adds nothing.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::count::Counts;
use crate::tools::{self, Tool};

/// One thing to check.
pub struct Stage {
    pub name: &'static str,
    /// What it shows, in one line.
    pub about: &'static str,
    /// Without these it is skipped, or fails on a build machine.
    pub needs: &'static [&'static Tool],
    /// Left out by `--fast`.
    pub slow: bool,
    /// Skipped by name where its tool is missing, on a build machine too.
    pub optional: bool,
    pub run: fn() -> Result<Counts>,
}

/// Which stages to run, and how strictly.
#[derive(Default)]
pub struct Plan {
    pub only: Option<String>,
    pub fast: bool,
    /// On a build machine a missing tool is a failure.
    pub ci: bool,
}

/// How a stage ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    Failed(String),
    Skipped(String),
}

/// A stage that is over.
#[derive(Debug)]
pub struct Ran {
    pub name: &'static str,
    pub verdict: Verdict,
    pub counts: Counts,
    pub took: Duration,
}

/// Runs the planned stages in order; one that fails does not keep the next from running.
pub fn run(stages: &[Stage], plan: &Plan) -> Result<Vec<Ran>> {
    let chosen = choose(stages, plan.only.as_deref())?;
    let mut ran = Vec::new();
    for stage in chosen {
        println!("\n== {}: {}", stage.name, stage.about);
        let start = Instant::now();
        let (verdict, counts) = attempt(stage, plan);
        ran.push(Ran {
            name: stage.name,
            verdict,
            counts,
            took: start.elapsed(),
        });
        if let Some(last) = ran.last() {
            println!("== {}", told(last));
        }
    }
    Ok(ran)
}

/// Prints how each stage ended and, alone on the last line, the sum. The exit code fails when anything has.
pub fn close(ran: &[Ran]) -> ExitCode {
    println!();
    for stage in ran {
        println!("{}", told(stage));
    }
    let sum = sum(ran);
    println!("\n{}", sum.closing_line());
    if sum.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn choose<'a>(stages: &'a [Stage], only: Option<&str>) -> Result<Vec<&'a Stage>> {
    let chosen: Vec<_> = stages
        .iter()
        .filter(|stage| only.is_none_or(|only| stage.name == only))
        .collect();
    if chosen.is_empty() {
        let names: Vec<_> = stages.iter().map(|stage| stage.name).collect();
        bail!(
            "there is no stage '{}'; the stages are {}",
            only.unwrap_or_default(),
            names.join(", ")
        );
    }
    Ok(chosen)
}

fn attempt(stage: &Stage, plan: &Plan) -> (Verdict, Counts) {
    // A stage that was asked for by name is meant, however slow it is.
    if stage.slow && plan.fast && plan.only.is_none() {
        return skipped("left out by --fast".to_owned());
    }
    match tools::missing(stage.needs) {
        Some(missing) if plan.ci && !stage.optional => failed(Counts::default(), missing.to_string()),
        Some(missing) => skipped(missing.to_string()),
        None => match (stage.run)() {
            Ok(counts) if counts.failed > 0 => failed(counts, format!("{} failed", counts.failed)),
            Ok(counts) => (Verdict::Passed, counts),
            Err(error) => failed(Counts::default(), format!("{error:#}")),
        },
    }
}

fn failed(mut counts: Counts, why: String) -> (Verdict, Counts) {
    counts.failed = counts.failed.max(1);
    (Verdict::Failed(why), counts)
}

fn skipped(why: String) -> (Verdict, Counts) {
    (
        Verdict::Skipped(why),
        Counts {
            skipped: 1,
            ..Counts::default()
        },
    )
}

fn told(stage: &Ran) -> String {
    let verdict = match &stage.verdict {
        Verdict::Passed => "passed".to_owned(),
        Verdict::Failed(why) => format!("FAILED: {why}"),
        Verdict::Skipped(why) => format!("skipped: {why}"),
    };
    let tests = match stage.counts.passed + stage.counts.failed {
        0 => String::new(),
        _ if matches!(stage.verdict, Verdict::Passed) => format!(", {} tests", stage.counts.passed),
        _ => String::new(),
    };
    format!(
        "{:<10} {:>7.1} s  {verdict}{tests}",
        stage.name,
        stage.took.as_secs_f64()
    )
}

fn sum(ran: &[Ran]) -> Counts {
    ran.iter().fold(Counts::default(), |mut sum, stage| {
        sum.add(stage.counts);
        sum
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    static ABSENT: Tool = Tool {
        program: "no-such-program",
        role: "nothing",
        install: "apt-get install -y no-such-program",
        least: None,
    };

    const GOOD: Stage = Stage {
        name: "good",
        about: "",
        needs: &[],
        slow: false,
        optional: false,
        run: || {
            Ok(Counts {
                passed: 3,
                failed: 0,
                skipped: 1,
            })
        },
    };
    const BROKEN: Stage = Stage {
        name: "broken",
        run: || bail!("it does not compile"),
        ..GOOD
    };
    const TOOLLESS: Stage = Stage {
        name: "toolless",
        needs: &[&ABSENT],
        ..GOOD
    };
    const SLOW: Stage = Stage {
        name: "slow",
        slow: true,
        ..GOOD
    };

    fn counts(stages: &[Stage], plan: &Plan) -> Counts {
        sum(&run(stages, plan).unwrap())
    }

    #[test]
    fn a_stage_that_fails_without_counting_is_one_failure_and_the_next_still_runs() {
        let sum = counts(&[BROKEN, GOOD], &Plan::default());
        assert_eq!(
            sum,
            Counts {
                passed: 3,
                failed: 1,
                skipped: 1
            }
        );
    }

    #[test]
    fn a_missing_tool_skips_a_stage_at_home_and_fails_it_on_a_build_machine() {
        let home = run(&[TOOLLESS], &Plan::default()).unwrap();
        assert!(matches!(&home[0].verdict, Verdict::Skipped(why) if why.contains("apt-get install")));
        assert_eq!(
            home[0].counts,
            Counts {
                skipped: 1,
                ..Counts::default()
            }
        );
        let ci = counts(
            &[TOOLLESS],
            &Plan {
                ci: true,
                ..Plan::default()
            },
        );
        assert_eq!(
            ci,
            Counts {
                failed: 1,
                ..Counts::default()
            }
        );
    }

    #[test]
    fn an_optional_stage_is_skipped_by_name_on_a_build_machine_too() {
        let ci = Plan {
            ci: true,
            ..Plan::default()
        };
        let optional = Stage {
            optional: true,
            ..TOOLLESS
        };
        assert!(matches!(
            &run(&[optional], &ci).unwrap()[0].verdict,
            Verdict::Skipped(_)
        ));
    }

    #[test]
    fn fast_leaves_out_what_is_slow_and_says_so() {
        let fast = Plan {
            fast: true,
            ..Plan::default()
        };
        assert!(
            matches!(&run(&[SLOW], &fast).unwrap()[0].verdict, Verdict::Skipped(why) if why.contains("--fast"))
        );
        let asked_for = Plan {
            only: Some("slow".to_owned()),
            ..fast
        };
        assert_eq!(counts(&[GOOD, SLOW], &asked_for).passed, 3);
    }

    #[test]
    fn an_unknown_stage_is_answered_with_the_names_of_those_there_are() {
        let plan = Plan {
            only: Some("typo".to_owned()),
            ..Plan::default()
        };
        let error = run(&[GOOD, SLOW], &plan).unwrap_err().to_string();
        assert!(error.contains("typo") && error.contains("good, slow"), "{error}");
    }
}
