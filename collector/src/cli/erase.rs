//! `tiltwise erase`: takes everything of one visitor or account out of what a running collector holds.

use serde_json::{Value, json};

use super::{Failure, Settings, status::Admin};
use crate::export::jsonl;

/// Erase a visitor or an account: from sums, state, checkpoints and log.
///
/// Asks the running collector, and returns when nothing of the unit is left there: its contribution is subtracted from all
/// sums (they are what they would be had it never come), its events are out of the log's records and files, and the
/// checkpoints are written anew. What stays is the mark of the erasure under the unit's pseudonym, so that a copy that
/// arrives late does not bring it back. Snapshots hold sums only, never a unit; so does what `tiltwise import` keeps, which stays
/// until it is forgotten (docs/history.md).
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tiltwise erase --visitor 0b6a000102030405060708090a0b0c0d0e0f
  tiltwise erase --account customer-4711 --json

Exit codes: 0 it is erased; 4 no collector answers, or it could not erase everything (do it again).")]
pub struct Args {
    #[command(flatten)]
    unit: Unit,

    /// The admin listener's address [default: the collector file's].
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// Print JSON: {\"erasedThroughMs\": …, \"recordsRewritten\": …, \"goneByMs\": …}.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Unit {
    /// The visitor's id, as the page holds it: 36 hexadecimal digits, or base64.
    #[arg(long, value_name = "ID")]
    visitor: Option<String>,

    /// The account, as it was sent.
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let config = args.settings.load()?;
    let admin = Admin::of(&config, args.url.clone())?;
    let unit = match (&args.unit.visitor, &args.unit.account) {
        (Some(visitor), _) => json!({ "visitor": visitor }),
        (None, account) => json!({ "account": account }),
    };
    let report = admin.erase(&unit)?;
    if args.json {
        println!("{report}");
    } else {
        print!("{}", text(&report));
    }
    Ok(())
}

/// An embedded log has let go of it by now; a topic keeps what it has for its retention, which is longer.
const DAY_MS: u64 = 86_400_000;

fn text(report: &Value) -> String {
    let number = |name: &str| report.get(name).and_then(Value::as_u64).unwrap_or(0);
    let records = match number("recordsRewritten") {
        0 if number("goneByMs") > number("erasedThroughMs") + DAY_MS => {
            format!(
                "its topic lets go of the last of it by {}",
                jsonl::time(number("goneByMs")).unwrap_or_default()
            )
        }
        0 => "held no event of it".to_owned(),
        1 => "1 record was rewritten".to_owned(),
        n => format!("{n} records were rewritten"),
    };
    format!(
        "Erased: everything received up to {} (milliseconds since 1970).\n\
         log          {records}\n\
         sums         as if it had never come\n\
         checkpoints  written anew\n\
         kept         the mark of the erasure, under a pseudonym, until the log's retention has passed\n",
        number("erasedThroughMs")
    )
}
