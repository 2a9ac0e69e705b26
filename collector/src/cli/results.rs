//! `tiltwise results`: what a running collector's experiments say, in a terminal.

use serde_json::Value;

use super::status::Admin;
use super::{Failure, Settings};

/// Print what each experiment says: one sentence, then its variants.
///
/// The intervals hold at all times at once, so this may be run as often as you like.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tiltwise results
  tiltwise results hero
  tiltwise results --json | jq '.experiments[].sentence'

Exit codes: 0 done; 1 there is no such experiment; 4 no collector answers.")]
pub struct Args {
    /// Only this experiment.
    #[arg(value_name = "KEY")]
    experiment: Option<String>,

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
    let mut answer = Admin::of(&config, args.url.clone())?.results()?;
    if let (Some(key), Some(all)) = (&args.experiment, answer["experiments"].as_array_mut()) {
        all.retain(|experiment| experiment["key"] == key.as_str());
        if all.is_empty() {
            return Err(
                anyhow::anyhow!("there is no experiment '{key}'; `tiltwise results` lists them").into(),
            );
        }
    }
    if args.json {
        println!("{answer:#}");
    } else {
        print!("{}", text(&answer));
    }
    Ok(())
}

/// For people: a block an experiment.
fn text(answer: &Value) -> String {
    let experiments = answer["experiments"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if experiments.is_empty() {
        return "No experiment yet: `tiltwise apply FILE` publishes one.\n".into();
    }
    experiments.iter().map(block).collect::<Vec<_>>().join("\n")
}

fn block(experiment: &Value) -> String {
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
    let history = experiment["history"].as_array().into_iter().flatten();
    lines.extend(history.map(|import| format!("  history: {}", word(&import["sentence"]))));
    lines.join("\n") + "\n"
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
            "drift": { "sentence": "What visitors do has changed." },
            "calibration": { "ratio": 0.97, "sentence": "Of the signups that were predicted 97 % came." },
        }] });
        let said = text(&answer);
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
    }

    #[test]
    fn without_an_experiment_it_says_how_to_publish_one() {
        assert!(text(&json!({ "experiments": [] })).contains("tiltwise apply"));
    }
}
