//! The core's intervals against those of gbstats and confseq.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tiltwise_core::infer::split::{ArmSums, difference};
use tiltwise_core::infer::{bernoulli, mixture};

use crate::count::Counts;
use crate::{child, python, repo};

const REQUIREMENTS: &str = "xtask/python/requirements.txt";
const PROGRAM: &str = "xtask/python/reference.py";
/// Has no wheels: it is compiled, against Boost.
const CONFSEQ: &str = "confseq==0.0.11";
const COMPILED_WITH: &str = "xtask/python/confseq.txt";
const BOOST: &str = "/usr/include/boost/version.hpp";

const SPLITS: [[f64; 5]; 5] = [
    [1_000.0, 100.0, 1_000.0, 130.0, 5_000.0],
    [5_000.0, 500.0, 5_000.0, 575.0, 1_000.0],
    [20_000.0, 2_000.0, 20_000.0, 2_150.0, 10_000.0],
    [3_000.0, 31.0, 9_000.0, 160.0, 5_000.0],
    [800.0, 410.0, 200.0, 97.0, 5_000.0],
];
const SUMS: [f64; 4] = [10.0, 100.0, 1_000.0, 250_000.0];
const RATES: [[f64; 2]; 3] = [[575.0, 5_000.0], [3.0, 40.0], [999.0, 1_000.0]];

pub fn test() -> Result<Counts> {
    let python = match environment() {
        Ok(python) => python,
        Err(error) => {
            println!("gbstats and confseq skipped: {error:#}");
            return Ok(Counts {
                skipped: 2,
                ..Counts::default()
            });
        }
    };
    let said = ask(&python)?;
    let mut counts = Counts::default();
    for (case, theirs) in SPLITS
        .iter()
        .zip(said["gbstats"].as_array().context("gbstats said nothing")?)
    {
        check(&mut counts, &format!("gbstats {case:?}"), &split(case), theirs);
    }
    let confseq = &said["confseq"];
    if confseq.is_null() {
        println!("confseq skipped: it is compiled against Boost; on Debian: apt-get install -y libboost-dev");
        counts.skipped += 1;
        return Ok(counts);
    }
    for (i, &v) in SUMS.iter().enumerate() {
        let ours = [mixture::radius(v, mixture::rho2(1_000.0, 0.05), 0.05)];
        check(
            &mut counts,
            &format!("confseq bound at {v}"),
            &ours,
            &json!([confseq["sums"][i]]),
        );
    }
    for (i, &[successes, n]) in RATES.iter().enumerate() {
        let ours = bernoulli::interval(successes, n, 90.0, 0.05).context("no interval")?;
        check(
            &mut counts,
            &format!("confseq {successes} of {n}"),
            &[ours.low, ours.high],
            &confseq["rates"][i],
        );
    }
    Ok(counts)
}

/// Low, high and p-value of a fixed split.
fn split(&[n_a, conversions_a, n_b, conversions_b, tightest_at]: &[f64; 5]) -> Vec<f64> {
    let arm = |n, conversions| ArmSums {
        n,
        sum: conversions,
        sum_squares: conversions,
    };
    difference(
        &arm(n_b, conversions_b),
        &arm(n_a, conversions_a),
        tightest_at,
        0.05,
    )
    .map_or_else(Vec::new, |answer| {
        vec![
            answer.interval.low,
            answer.interval.high,
            mixture::p_value(answer.log_e),
        ]
    })
}

fn check(counts: &mut Counts, what: &str, ours: &[f64], theirs: &Value) {
    let theirs: Vec<f64> = theirs
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_f64)
        .collect();
    let is_near = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-8 * b.abs().max(1.0);
    if ours.len() == theirs.len() && ours.iter().zip(&theirs).all(is_near) {
        counts.passed += 1;
    } else {
        println!("{what}: ours {ours:?}, theirs {theirs:?}");
        counts.failed += 1;
    }
}

/// The Python that knows the other programs; confseq among them where it can be compiled.
fn environment() -> Result<PathBuf> {
    let python = python::with(REQUIREMENTS)?.join("python");
    if Path::new(BOOST).exists() {
        let compiled = pip(&python, &["-r", COMPILED_WITH])
            .and_then(|()| pip(&python, &["--no-build-isolation", "--no-deps", CONFSEQ]));
        if let Err(error) = compiled {
            println!("{CONFSEQ} was not compiled: {error:#}");
        }
    }
    Ok(python)
}

fn pip(python: &Path, install: &[&str]) -> Result<()> {
    let mut pip = Command::new(python);
    pip.current_dir(repo::root());
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    // What compiles it is in the environment.
    let bin = python.parent().unwrap_or(Path::new("."));
    let path = std::env::var_os("PATH").unwrap_or_default();
    pip.env(
        "PATH",
        std::env::join_paths([bin.into()].into_iter().chain(std::env::split_paths(&path)))?,
    );
    child::run(pip.args(install))
}

fn ask(python: &Path) -> Result<Value> {
    let cases = json!({ "splits": SPLITS, "sums": SUMS, "rates": RATES });
    let mut asked = Command::new(python)
        .arg(repo::root().join(PROGRAM))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("starting the reference")?;
    if let Some(mut stdin) = asked.stdin.take() {
        stdin.write_all(cases.to_string().as_bytes())?;
    }
    let answer = asked.wait_with_output()?;
    ensure!(
        answer.status.success(),
        "the reference ended with {}",
        answer.status
    );
    Ok(serde_json::from_slice(&answer.stdout)?)
}
