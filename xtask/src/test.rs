//! `cargo xtask test`: everything that shows that the repository is in order.

mod deploy;
mod flink;
mod node;
mod reference;
mod rust;

use std::process::ExitCode;

use anyhow::Result;

use crate::count::Counts;
use crate::stage::{self, Plan, Stage};
use crate::tools::{CARGO_DENY, CHROMIUM, NODE, NPM, PYTHON};
use crate::{child, kafka, repo, tidy, wasm};

/// Every stage. The common mistakes are told of in seconds, and the dashboard is built before the collector embeds it.
const STAGES: [Stage; 13] = [
    Stage {
        name: "tidy",
        about: "the invariants of ARCHITECTURE.md",
        needs: &[],
        slow: false,
        optional: false,
        run: tidy::stage,
    },
    Stage {
        name: "fmt",
        about: "rustfmt has nothing to change",
        needs: &[],
        slow: false,
        optional: false,
        run: rust::fmt,
    },
    Stage {
        name: "wasm",
        about: "the modules build, under their ceilings and without imports where there must be none",
        needs: &[&NODE, &NPM],
        slow: false,
        optional: false,
        run: wasm_modules,
    },
    Stage {
        name: "npm",
        about: "the tests of every npm package that has some",
        needs: &[&NODE, &NPM],
        slow: false,
        optional: false,
        run: node::test,
    },
    Stage {
        name: "clippy",
        about: "lints, on this machine and for wasm",
        needs: &[],
        slow: false,
        optional: false,
        run: rust::clippy,
    },
    Stage {
        name: "rust",
        about: "unit, property and documentation tests of the crates",
        needs: &[],
        slow: false,
        optional: false,
        run: rust::test,
    },
    Stage {
        name: "browser",
        about: "a real browser with the packed package and the shop, and a real collector",
        needs: &[&NODE, &NPM, &CHROMIUM],
        slow: false,
        optional: false,
        run: node::test_in_a_browser,
    },
    Stage {
        name: "kafka",
        about: "a collector whose log is in a real Kafka, and what is killed, cut off and wrong about it",
        needs: &[&kafka::JAVA, &kafka::MAVEN, &PYTHON],
        slow: true,
        optional: false,
        run: rust::test_with_kafka,
    },
    Stage {
        name: "flink",
        about: "the Flink job, its operators and the whole of it, against what the native core counts",
        needs: &[&kafka::JAVA, &kafka::MAVEN, &NODE, &NPM],
        slow: true,
        optional: false,
        run: flink::test,
    },
    Stage {
        name: "deploy",
        about: "the deployment files, by the schema or the linter of their kind",
        needs: &[&PYTHON, &deploy::SYSTEMD],
        slow: false,
        optional: false,
        run: deploy::check,
    },
    Stage {
        name: "cross",
        about: "tests that need several crates, or another host",
        needs: &[],
        slow: true,
        optional: false,
        run: rust::test_across_crates,
    },
    Stage {
        name: "reference",
        about: "intervals and rewards against independent implementations from PyPI",
        needs: &[&PYTHON],
        slow: true,
        optional: true,
        run: reference::test,
    },
    Stage {
        name: "deny",
        about: "licences, sources and known weaknesses of the dependencies",
        needs: &[&CARGO_DENY],
        slow: false,
        // Twelve minutes to compile on two cores, which is more than all other stages together.
        optional: true,
        run: rust::deny,
    },
];

/// Run every test there is.
///
/// The stages, in order: tidy, fmt, wasm, npm, clippy, rust, browser, kafka, flink, deploy,
/// cross, reference, deny. A stage that fails does not keep the next from
/// running. One whose tool is missing is skipped by name, with the line that installs the tool; where CI=true is set it
/// fails instead, and a warning is an error. The last line reads "N passed, N failed, N skipped", in tests.
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Run this stage alone.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Leave out what takes minutes to build or asks the network: the stages kafka, with librdkafka, flink, cross, which
    /// hosts wasmtime, and reference.
    #[arg(long)]
    fast: bool,
}

pub fn run(args: &Args) -> Result<ExitCode> {
    child::end_with_us()?;
    let plan = Plan {
        only: args.only.clone(),
        fast: args.fast,
        ci: repo::is_ci(),
    };
    Ok(stage::close(&stage::run(&STAGES, &plan)?))
}

fn wasm_modules() -> Result<Counts> {
    let report = wasm::make(false)?;
    wasm::report::print(&report);
    wasm::report::check(&report)?;
    Ok(Counts::default())
}
