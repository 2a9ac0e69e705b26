//! The scores by data set, for people.

use std::fmt::Write as _;

use super::others::Other;
use super::river::Score;

/// A line a data set: the mean over its files (seeds), and the standard error of that mean.
pub fn table(scores: &[Score]) -> String {
    let mut text = String::new();
    let mut means = Vec::new();
    let _ = writeln!(
        text,
        "{:16} {:>5} {:>8} {:>8}  {:>8} {:>9}",
        "data set", "files", "reward", "± error", "floored", "events/s"
    );
    for (name, of) in by_data_set(scores) {
        let rewards: Vec<f64> = of.iter().map(|score| score.mean_reward).collect();
        let (mean, error) = mean_and_error(&rewards);
        let floored: Vec<f64> = of.iter().filter_map(|score| Some(score.floored?.1)).collect();
        let floored = if floored.is_empty() {
            "-".into()
        } else {
            format!("{:.4}", mean_and_error(&floored).0)
        };
        let events: usize = of.iter().map(|score| score.events).sum();
        let seconds: f64 = of.iter().map(|score| score.cpu_seconds).sum();
        let _ = writeln!(
            text,
            "{name:16} {:>5} {mean:>8.4} {error:>8.4}  {floored:>8} {:>9.0}",
            of.len(),
            events as f64 / seconds.max(1e-9)
        );
        means.push(mean);
    }
    let _ = writeln!(
        text,
        "{:16} {:>5} {:>8.4}",
        "mean",
        scores.len(),
        mean_and_error(&means).0
    );
    text
}

/// A line a data set: ours, the best explorer of Vowpal Wabbit by its name, LinUCB, and how many events a CPU-second each does.
pub fn others(scores: &[Score], others: &[Other]) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{:16} {:>8} {:>8} {:>8}  {:14} {:>9} {:>9} {:>9}",
        "beside others", "reward", "VW best", "LinUCB", "best of VW", "events/s", "VW", "LinUCB"
    );
    let mut means = [const { Vec::new() }; 3];
    for (name, of) in by_data_set(scores) {
        let theirs: Vec<&Other> = others
            .iter()
            .filter(|other| data_set(&other.file) == name)
            .collect();
        let (vowpal, linucb) = best(&theirs);
        let reward = mean(of.iter().map(|score| score.mean_reward));
        let pace: f64 = of.iter().map(|score| score.events as f64).sum::<f64>()
            / of.iter().map(|score| score.cpu_seconds).sum::<f64>().max(1e-9);
        let _ = writeln!(
            text,
            "{name:16} {reward:>8.4} {:>8.4} {:>8.4}  {:14} {pace:>9.0} {:>9.0} {:>9.0}",
            vowpal.mean_reward, linucb.mean_reward, vowpal.learner, vowpal.pace, linucb.pace
        );
        for (list, value) in means
            .iter_mut()
            .zip([reward, vowpal.mean_reward, linucb.mean_reward])
        {
            list.push(value);
        }
    }
    let [ours, vowpal, linucb] = means.map(|list| mean(list.into_iter()));
    let _ = writeln!(text, "{:16} {ours:>8.4} {vowpal:>8.4} {linucb:>8.4}", "mean");
    text
}

/// One learner over the files of a data set.
#[derive(Clone, Debug, Default)]
pub struct Total {
    pub learner: String,
    pub mean_reward: f64,
    /// Events per CPU-second.
    pub pace: f64,
}

/// The explorer of Vowpal Wabbit whose mean is the greatest, and LinUCB.
pub fn best(of: &[&Other]) -> (Total, Total) {
    let mut vowpal = Total::default();
    let mut linucb = Total::default();
    let mut learners: Vec<&str> = of.iter().map(|other| other.learner.as_str()).collect();
    learners.sort_unstable();
    learners.dedup();
    for learner in learners {
        let of: Vec<&&Other> = of.iter().filter(|other| other.learner == learner).collect();
        let total = Total {
            learner: learner.to_owned(),
            mean_reward: mean(of.iter().map(|other| other.mean_reward)),
            pace: of.iter().map(|other| other.events as f64).sum::<f64>()
                / of.iter().map(|other| other.cpu_seconds).sum::<f64>().max(1e-9),
        };
        if of.iter().all(|other| !other.is_vowpal()) {
            linucb = total;
        } else if total.mean_reward > vowpal.mean_reward {
            vowpal = total;
        }
    }
    (vowpal, linucb)
}

pub fn mean(values: impl Iterator<Item = f64>) -> f64 {
    mean_and_error(&values.collect::<Vec<_>>()).0
}

/// Files of one data set share what stands before the first dot of their names.
fn by_data_set(scores: &[Score]) -> Vec<(&str, Vec<&Score>)> {
    let mut sets: Vec<(&str, Vec<&Score>)> = Vec::new();
    for score in scores {
        let name = data_set(&score.file);
        match sets.iter_mut().find(|(known, _)| *known == name) {
            Some((_, of)) => of.push(score),
            None => sets.push((name, vec![score])),
        }
    }
    sets
}

/// "tuna.drift.0.csv" and "tuna.drift.1.csv" are one set, "tuna.0.csv" is another.
fn data_set(file: &str) -> &str {
    let stem = file.strip_suffix(".csv").unwrap_or(file);
    match stem.rsplit_once('.') {
        Some((name, seed)) if seed.parse::<u64>().is_ok() => name,
        _ => stem,
    }
}

/// One value has no error.
fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    (mean, (squares / (n - 1.0).max(1.0) / n).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_of_one_data_set_are_one_line() {
        assert_eq!(data_set("tuna.0.csv"), "tuna");
        assert_eq!(data_set("tuna.drift.2.csv"), "tuna.drift");
        assert_eq!(data_set("visits.csv"), "visits");
    }

    #[test]
    fn of_the_explorers_the_best_is_told_and_linucb_beside_it() {
        let other = |learner: &str, file: &str, mean_reward| Other {
            file: file.into(),
            learner: learner.into(),
            events: 100,
            mean_reward,
            cpu_seconds: 0.5,
        };
        let of = [
            other("vw bag", "a.0.csv", 0.9),
            other("vw bag", "a.1.csv", 0.1),
            other("vw squarecb", "a.0.csv", 0.6),
            other("vw squarecb", "a.1.csv", 0.6),
            other("linucb", "a.0.csv", 0.7),
        ];
        let (vowpal, linucb) = best(&of.iter().collect::<Vec<_>>());
        assert_eq!(
            (vowpal.learner.as_str(), vowpal.mean_reward),
            ("vw squarecb", 0.6)
        );
        assert_eq!((linucb.mean_reward, linucb.pace), (0.7, 200.0));
    }

    #[test]
    fn the_error_is_the_deviation_over_the_root_of_the_number() {
        let (mean, error) = mean_and_error(&[0.5, 0.6, 0.7]);
        assert!((mean - 0.6).abs() < 1e-12);
        assert!((error - 0.1 / 3.0_f64.sqrt()).abs() < 1e-12);
    }
}
