//! The experiment file, from what people write to what the core reads.

mod acting;
mod changing;
mod compiling;
mod random;
mod refusing;

use super::*;

/// The sample of the documentation.
const HERO: &str = r#"
[[experiment]]
key = "hero"
name = "Hero headline"
unit = "visitor"
control = "calm"
variants = [{ key = "calm", value = "Welcome" }, { key = "bold", value = "Save 20 % today" }]
policy = { kind = "contextual", attributes = ["device", "country", { name = "cart_value", cuts = [10, 50, 200] }] }
metric = { event = "signup", window = "30m" }
secondary = [{ event = "add_to_cart", window = "30m" }]
guardrails = [{ event = "refund", window = "7d", max_increase = { absolute = 0.01 }, on_breach = "stop-variant" }]
when = { country = { "$in" = ["US", "CA"] } }
traffic = 1.0
comparison_group = 0.05
sticky = "visitor"
half_life = "7d"
min_propensity = 0.05
"#;

/// The least that an experiment needs; tests put their own settings after it.
const LEAST: &str = r#"
[[experiment]]
key = "badge"
control = "off"
variants = [{ key = "off" }, { key = "on" }]
metric = { event = "signup", window = "30m" }
"#;

fn check(text: &str) -> Result<Experiments, Problems> {
    Experiments::check("experiments.toml", text, "shop")
}

fn one(text: &str) -> Revision {
    check(text).unwrap().definitions.remove(0).revision
}

fn least_with(settings: &str) -> Result<Experiments, Problems> {
    check(&format!("{LEAST}{settings}"))
}
