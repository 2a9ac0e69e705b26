//! A picture of each setting: the share of experiments that had crossed by each visitor, a line a method.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::methods::{BINS, Tracked};
use super::settings::Setting;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 320.0;
/// Around the plot: left, top, right (the legend) and bottom.
const MARGIN: [f64; 4] = [48.0, 32.0, 260.0, 40.0];
/// Colours that are told apart by people who see no red or no green (Okabe and Ito 2008).
const COLOURS: [&str; 7] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#666666",
];

/// Beside the report, named for it and the setting.
pub fn write(report: &Path, setting: &Setting, tracked: &[Tracked], repetitions: usize) -> Result<()> {
    let stem = report.file_stem().unwrap_or_default().to_string_lossy();
    let slug: String = setting
        .name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let slug = slug
        .split('-')
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("-");
    let file = report.with_file_name(format!("{stem}-{slug}.svg"));
    fs::write(&file, svg(setting, tracked, repetitions))
        .with_context(|| format!("writing {}", file.display()))
}

fn svg(setting: &Setting, tracked: &[Tracked], repetitions: usize) -> String {
    let [left, top, right, bottom] = MARGIN;
    let curves: Vec<Vec<f64>> = tracked.iter().map(|one| cumulated(one, repetitions)).collect();
    let most = curves.iter().flatten().copied().fold(0.1, f64::max);
    let x = |bin: f64| left + bin / BINS as f64 * WIDTH;
    let y = |share: f64| top + HEIGHT * (1.0 - share / most);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"{left}\" y=\"20\" font-size=\"14\">{}: experiments \
         that had crossed</text>\n",
        left + WIDTH + right,
        top + HEIGHT + bottom,
        setting.name,
    );
    for tick in 0..=4 {
        let (share, bin) = (most * f64::from(tick) / 4.0, f64::from(tick) / 4.0 * BINS as f64);
        let visitors = setting.visitors as f64 * f64::from(tick) / 4.0;
        let _ = writeln!(
            out,
            "<line x1=\"{left}\" x2=\"{}\" y1=\"{1:.1}\" y2=\"{1:.1}\" stroke=\"#ddd\"/>\n<text x=\"{2}\" y=\"{3:.1}\" \
             text-anchor=\"end\">{4:.1} %</text>\n<text x=\"{5:.1}\" y=\"{6}\" text-anchor=\"middle\">{visitors:.0}</text>",
            left + WIDTH,
            y(share),
            left - 6.0,
            y(share) + 4.0,
            share * 100.0,
            x(bin),
            top + HEIGHT + 18.0,
        );
    }
    let nominal = y(0.05);
    let _ = writeln!(
        out,
        "<line x1=\"{left}\" x2=\"{}\" y1=\"{nominal:.1}\" y2=\"{nominal:.1}\" stroke=\"#999\" stroke-dasharray=\"4 4\"/>",
        left + WIDTH
    );
    for (i, (one, curve)) in tracked.iter().zip(&curves).enumerate() {
        let colour = COLOURS[i % COLOURS.len()];
        let points: Vec<String> = curve
            .iter()
            .enumerate()
            .map(|(bin, &share)| format!("{:.1},{:.1}", x(bin as f64 + 1.0), y(share)))
            .collect();
        let legend = top + 14.0 + 18.0 * i as f64;
        let _ = writeln!(
            out,
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\" points=\"{}\"/>\n<text x=\"{}\" y=\"{legend}\" \
             fill=\"{colour}\">{}</text>",
            points.join(" "),
            left + WIDTH + 10.0,
            one.method,
        );
    }
    out + "</svg>\n"
}

fn cumulated(one: &Tracked, repetitions: usize) -> Vec<f64> {
    let mut sum = 0;
    one.crossed_in
        .iter()
        .map(|&crossed| {
            sum += crossed;
            f64::from(sum) / repetitions.max(1) as f64
        })
        .collect()
}
