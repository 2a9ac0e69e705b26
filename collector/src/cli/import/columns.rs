//! The flags that say which column means what.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tiltwise_core::revision::Revision;

use super::Args;
use crate::history::choice::Refused;
use crate::history::preset::Preset;
use crate::history::{Choice, Mapping};

/// Which column means what; in JSON a path with dots. Several separated by | are tried in turn.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Which column means what")]
pub(super) struct Columns {
    /// Columns as this tool exports them.
    #[arg(long, value_enum)]
    pub(super) preset: Option<Preset>,

    /// A TOML file that names columns, variants and values; flags stand over it.
    #[arg(long, value_name = "FILE")]
    pub(super) mapping: Option<PathBuf>,

    /// When it happened.
    #[arg(long, value_name = "COLUMN")]
    pub(super) time: Option<String>,

    /// Whose row it is; hashed at once and never kept.
    #[arg(long, value_name = "COLUMN")]
    pub(super) unit: Option<String>,

    /// The variant that was shown.
    #[arg(long, value_name = "COLUMN")]
    pub(super) variant_column: Option<String>,

    /// The probability that the shown variant had.
    #[arg(long, value_name = "COLUMN")]
    pub(super) propensity: Option<String>,

    /// Whether the outcome happened.
    #[arg(long, value_name = "COLUMN")]
    pub(super) outcome: Option<String>,

    /// When the outcome happened [default: within the window].
    #[arg(long, value_name = "COLUMN")]
    pub(super) outcome_time: Option<String>,

    /// The amount, for a metric that sums values.
    #[arg(long, value_name = "COLUMN")]
    pub(super) value: Option<String>,

    /// The amount's currency.
    #[arg(long, value_name = "COLUMN")]
    pub(super) currency: Option<String>,

    /// An order number, which counts once.
    #[arg(long, value_name = "COLUMN")]
    pub(super) outcome_id: Option<String>,

    /// What tells events apart, where rows are events.
    #[arg(long, value_name = "COLUMN")]
    pub(super) event: Option<String>,

    /// The event that is a decision.
    #[arg(long, value_name = "NAME")]
    pub(super) exposure: Option<String>,

    /// The event that is an outcome [default: the metric's].
    #[arg(long, value_name = "NAME")]
    pub(super) conversion: Option<String>,

    /// An attribute and its column; may be repeated.
    #[arg(long = "attribute", value_name = "OURS=COLUMN", value_parser = pair)]
    pub(super) attributes: Vec<(String, String)>,

    /// A variant as the file calls it, and ours; may be repeated.
    #[arg(long = "variant", value_name = "THEIRS=OURS", value_parser = pair)]
    pub(super) variants: Vec<(String, String)>,

    /// What the file calls the experiment.
    #[arg(long, value_name = "NAME")]
    pub(super) source_experiment: Option<String>,
}

pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    let (left, right) = text.rsplit_once('=').ok_or("write it like theirs=ours")?;
    Ok((left.trim().to_owned(), right.trim().to_owned()))
}

pub(super) fn mapping(args: &Args, revision: &Revision, choice: &Choice) -> Result<Mapping, Refused> {
    let Columns { preset, mapping, .. } = &args.columns;
    let file = match mapping {
        None => Mapping::default(),
        Some(path) => Mapping::load(path).map_err(|what| Refused {
            what: format!("cannot be mapped: {}: {what}", path.display()),
            remedy: "docs/history.md shows what a mapping file says".to_owned(),
        })?,
    };
    let columns = &args.columns;
    let flags = Mapping {
        preset: *preset,
        time: columns.time.clone(),
        unit: columns.unit.clone(),
        variant: columns.variant_column.clone(),
        propensity: columns.propensity.clone(),
        outcome: columns.outcome.clone(),
        outcome_time: columns.outcome_time.clone(),
        value: columns.value.clone(),
        currency: columns.currency.clone(),
        outcome_id: columns.outcome_id.clone(),
        event: columns.event.clone(),
        exposure: columns.exposure.clone(),
        conversion: columns.conversion.clone(),
        experiment: columns.source_experiment.clone(),
        experiment_column: None,
        variants: columns.variants.iter().cloned().collect(),
        attributes: columns.attributes.iter().cloned().collect(),
        values: BTreeMap::new(),
    };
    let mapping = flags.or(file).complete(revision);
    let needs_outcome = mapping.preset.is_none()
        && mapping.event.is_none()
        && args.outcomes.is_none()
        && mapping.outcome.is_none()
        && mapping.value.is_none();
    let missing = [
        (mapping.time.is_none(), "when it happened", "--time"),
        (mapping.unit.is_none(), "whose row it is", "--unit"),
        (
            mapping.variant.is_none() && !matches!(choice, Choice::Only(_)),
            "which variant was shown",
            "--variant-column",
        ),
        (needs_outcome, "what came of it", "--outcome"),
        (
            mapping.event.is_some() && mapping.exposure.is_none(),
            "which event is a decision",
            "--exposure",
        ),
    ];
    match missing.iter().find(|(missing, ..)| *missing) {
        Some((_, what, flag)) => Err(Refused {
            what: format!("has a column for {what}, and nobody has said which"),
            remedy: format!("Name it with {flag}, in a --mapping file, or choose a --preset"),
        }),
        None => Ok(mapping),
    }
}
