//! `tiltwise results`: what a running collector's experiments say, in a terminal.

use serde_json::Value;

use super::status::Admin;
use super::{Failure, Settings};
use crate::results::Mix;

/// Print what each experiment says: one sentence, then its variants.
///
/// The intervals hold at all times at once, so this may be run as often as you like.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tiltwise results
  tiltwise results hero
  tiltwise results hero --policy bold                   what everybody seeing Bold would have brought
  tiltwise results hero --policy calm=0.5,bold=0.5      and an even split
  tiltwise results --json | jq '.experiments[].sentence'

Exit codes: 0 done; 1 there is no such experiment; 4 no collector answers.")]
pub struct Args {
    /// Only this experiment.
    #[arg(value_name = "KEY")]
    experiment: Option<String>,

    /// Say what a fixed policy would have brought on the same visitors: one variant for everybody, or shares that come to 1.
    #[arg(long, value_name = "VARIANT=SHARE,…")]
    policy: Option<Mix>,

    /// The admin listener's address [default: the collector file's].
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// Print what the collector answered, as JSON.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    settings: Settings,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let config = args.settings.load()?;
    let mut answer = Admin::of(&config, args.url.clone())?.results(args.policy.as_ref())?;
    if let (Some(key), Some(all)) = (&args.experiment, answer["experiments"].as_array_mut()) {
        all.retain(|experiment| experiment["key"] == key.as_str());
        if all.is_empty() {
            return Err(
                anyhow::anyhow!("there is no experiment '{key}'; `tiltwise results` lists them").into(),
            );
        }
    }
    let asked = args.policy.as_ref();
    let is_known = |experiment: &Value| asked.is_none_or(|asked| policy(experiment, asked).is_some());
    if !answer["experiments"]
        .as_array()
        .is_some_and(|all| all.is_empty() || all.iter().any(is_known))
    {
        return Err(anyhow::anyhow!(
            "no experiment has these variants and matured visitors; `tiltwise results` lists variants"
        )
        .into());
    }
    if args.json {
        println!("{answer:#}");
    } else {
        print!("{}", text(&answer, asked));
    }
    Ok(())
}

/// For people: a block an experiment.
fn text(answer: &Value, asked: Option<&Mix>) -> String {
    let experiments = answer["experiments"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if experiments.is_empty() {
        return "No experiment yet: `tiltwise apply FILE` publishes one.\n".into();
    }
    let blocks: Vec<String> = experiments
        .iter()
        .map(|experiment| block(experiment, asked))
        .collect();
    blocks.join("\n")
}

fn block(experiment: &Value, asked: Option<&Mix>) -> String {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let title = format!("{} ({})", word(&experiment["name"]), word(&experiment["key"]));
    let mut lines = vec![title, word(&experiment["sentence"])];
    for variant in experiment["variants"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
    {
        let rate = &variant["rate"];
        let range = match (
            rate["estimate"].as_f64(),
            rate["low"].as_f64(),
            rate["high"].as_f64(),
        ) {
            (Some(estimate), Some(low), Some(high)) => format!("{estimate:>9.4}  [{low:.4}, {high:.4}]"),
            _ => "        –".to_owned(),
        };
        lines.push(format!(
            "  {:<20} {:>5.1} % of traffic {:>9} units {range}{}",
            word(&variant["key"]),
            variant["share"].as_f64().unwrap_or_default() * 100.0,
            variant["units"].as_u64().unwrap_or_default(),
            if variant["stopped"] == true {
                "  stopped"
            } else {
                ""
            },
        ));
    }
    let drift = &experiment["drift"]["sentence"];
    lines.extend(drift.as_str().map(|said| format!("  changed: {said}")));
    let predictions = &experiment["calibration"]["sentence"];
    lines.extend(predictions.as_str().map(|said| format!("  predictions: {said}")));
    if let Some(policy) = asked.and_then(|asked| policy(experiment, asked)) {
        lines.push(format!("  policy: {}", word(&policy["sentence"])));
        for (name, by) in [
            ("doubly robust", "doublyRobust"),
            ("self-normalised", "snips"),
            ("inverse propensity", "ips"),
        ] {
            let value = &policy[by];
            if let (Some(estimate), Some(low), Some(high)) = (
                value["estimate"].as_f64(),
                value["low"].as_f64(),
                value["high"].as_f64(),
            ) {
                lines.push(format!("    {name:<20} {estimate:>9.4}  [{low:.4}, {high:.4}]"));
            }
        }
    }
    let history = experiment["history"].as_array().into_iter().flatten();
    lines.extend(history.map(|import| format!("  history: {}", word(&import["sentence"]))));
    lines.join("\n") + "\n"
}

/// What the policy that was asked for would have brought.
fn policy<'a>(experiment: &'a Value, asked: &Mix) -> Option<&'a Value> {
    let shares = serde_json::to_value(asked.positive()).ok()?;
    let mut all = experiment["policies"].as_array()?.iter();
    all.find(|policy| policy["policy"] == shares)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_experiment_is_a_sentence_and_a_line_for_each_variant() {
        let answer = json!({ "experiments": [{
            "key": "hero", "name": "Hero headline", "sentence": "Bold is getting 71 % of visitors.",
            "variants": [
                { "key": "calm", "units": 120, "share": 0.29, "rate": { "estimate": 0.1, "low": 0.05, "high": 0.15 } },
                { "key": "bold", "units": 0, "share": 0.71, "stopped": true,
                  "rate": { "estimate": null, "low": null, "high": null } },
            ],
            "policies": [
                { "policy": { "bold": 1.0 }, "sentence": "not asked for" },
                { "policy": { "bold": 0.5, "calm": 0.5 }, "sentence": "An even split.", "doublyRobust": null,
                  "snips": { "estimate": 0.12, "low": 0.1, "high": 0.14 } },
            ],
            "drift": { "sentence": "What visitors do has changed." },
            "calibration": { "ratio": 0.97, "sentence": "Of the signups that were predicted 97 % came." },
        }] });
        let said = text(&answer, Some(&"calm=0.5,bold=0.5".parse().unwrap()));
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(
            lines[..2],
            ["Hero headline (hero)", "Bold is getting 71 % of visitors."]
        );
        assert!(
            lines[2].contains("29.0 % of traffic") && lines[2].ends_with("[0.0500, 0.1500]"),
            "{said}"
        );
        assert!(lines[3].ends_with("stopped"), "{said}");
        assert_eq!(
            lines[4..6],
            [
                "  changed: What visitors do has changed.",
                "  predictions: Of the signups that were predicted 97 % came."
            ]
        );
        assert_eq!(
            lines[6..],
            [
                "  policy: An even split.",
                "    self-normalised         0.1200  [0.1000, 0.1400]"
            ]
        );
    }

    #[test]
    fn without_an_experiment_it_says_how_to_publish_one() {
        assert!(text(&json!({ "experiments": [] }), None).contains("tiltwise apply"));
    }
}
