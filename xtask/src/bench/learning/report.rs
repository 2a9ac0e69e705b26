//! The scores by data set, for people.

use std::fmt::Write as _;

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
    fn the_error_is_the_deviation_over_the_root_of_the_number() {
        let (mean, error) = mean_and_error(&[0.5, 0.6, 0.7]);
        assert!((mean - 0.6).abs() < 1e-12);
        assert!((error - 0.1 / 3.0_f64.sqrt()).abs() < 1e-12);
    }
}
