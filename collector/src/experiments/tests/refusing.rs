use super::*;

fn errors(text: &str) -> String {
    check(text).expect_err("the file should be refused").to_string()
}

/// What is said of settings added to a good experiment; its lines 1 to 6 are good.
fn errors_with(settings: &str) -> String {
    least_with(settings)
        .expect_err("the file should be refused")
        .to_string()
}

#[test]
fn all_problems_of_a_file_are_reported_together() {
    let text = r#"
[[experiment]]
key = "hero banner"
control = "clam"
variants = [{ key = "calm", value = 1979-05-27 }, { key = "bold" }, { key = "bold" }]
policy = { kind = "contxtual" }
metric = { event = "signup", window = "30" }
traffic = 1.5
half_lief = "7d"

[[experiment]]
variants = [{ key = "only" }]
control = "only"
policy = { kind = "fixed" }
"#;
    assert_eq!(
        errors(text),
        r#"experiments.toml:3: experiment.hero banner.key = "hero banner" is no key. Use 1 to 64 letters, digits, dots, hyphens or underscores; `name` may hold anything
experiments.toml:5: experiment.hero banner.variants[0].value = 1979-05-27 has no form in JSON. Write it as text, in quotes
experiments.toml:5: experiment.hero banner.variants[2].key = "bold" is taken by a variant before it. Give every variant a key of its own
experiments.toml:4: experiment.hero banner.control = "clam" is no variant. Did you mean "calm"?
experiments.toml:6: experiment.hero banner.policy.kind = "contxtual" is not known here. Did you mean "contextual"? Known: "fixed", "thompson", "contextual", "best-arm"
experiments.toml:7: experiment.hero banner.metric.window = "30" is no duration. Write a number with ms, s, m, h or d, in quotes: "30m"
experiments.toml:8: experiment.hero banner.traffic = 1.5 is no share. Write a number from 0 to 1
experiments.toml:9: experiment.hero banner.half_lief is no setting. Did you mean `half_life`?
experiments.toml:11: experiment[1].key is missing. Give the experiment a key that never changes: key = "hero"
experiments.toml:11: experiment[1].variants has 1 entries. Write 2 to 64: variants = [{ key = "calm", value = "Welcome" }, { key = "bold", value = "Save" }]
experiments.toml:11: experiment[1].metric is missing. Say what counts: metric = { event = "signup", window = "30m" }"#
    );
}

#[test]
fn two_experiments_with_one_key_are_refused() {
    let good = format!("{LEAST}policy = {{ kind = \"fixed\" }}\n");
    assert_eq!(
        errors(&format!("{good}{good}")),
        r#"experiments.toml:9: experiment.badge.key = "badge" is taken by the experiment at experiments.toml:2. Give every experiment a key of its own"#
    );
}

#[test]
fn a_floor_that_the_variants_cannot_all_have_is_refused() {
    assert_eq!(
        errors_with("policy = { kind = \"thompson\" }\nmin_propensity = 0.6"),
        "experiments.toml:8: experiment.badge.min_propensity = 0.6 times 2 variants is above 1. Write at most 0.5000"
    );
    assert_eq!(
        errors_with("policy = { kind = \"fixed\" }\nmin_propensity = 0.1"),
        "experiments.toml:8: experiment.badge.min_propensity = 0.1 does not apply to a fixed policy. Remove it: the weights say it all"
    );
}

#[test]
fn weights_that_do_not_fit_the_variants_are_refused() {
    assert_eq!(
        errors_with("policy = { kind = \"fixed\", weights = { on = 0.5, off = 0.4 } }"),
        "experiments.toml:7: experiment.badge.policy.weights = { off = 0.4, on = 0.5 } adds up to 0.9. Make the weights add up to 1"
    );
    assert_eq!(
        errors_with("policy = { kind = \"fixed\", weights = { on = 1.0, of = 0 } }"),
        r#"experiments.toml:7: experiment.badge.policy.weights.of = 0 is for no variant. Did you mean "off"?
experiments.toml:7: experiment.badge.policy.weights = { of = 0, on = 1.0 } has no weight for "off". Write one number a variant; they add up to 1"#
    );
}

#[test]
fn attributes_that_cannot_be_encoded_are_refused() {
    assert_eq!(
        errors_with(
            r#"policy = { kind = "contextual", attributes = ["device", "device",
  { name = "cart", cuts = [50, 10] },
  { name = "age", center = 40 },
  { cross = ["device", "contry"] },
  { nam = "x" }] }"#
        ),
        r#"experiments.toml:7: experiment.badge.policy.attributes[1] = "device" is there twice. Keep one of them
experiments.toml:8: experiment.badge.policy.attributes[2].cuts = [50, 10] does not ascend. Write 1 to 256 numbers, each above the one before
experiments.toml:9: experiment.badge.policy.attributes[3].center = 40 needs a scale beside it. Write { name = …, center = 40, scale = 15 }
experiments.toml:11: experiment.badge.policy.attributes[4].name is missing. Name the attribute: { name = "cart", cuts = [10, 50] }
experiments.toml:11: experiment.badge.policy.attributes[4].nam is no setting. Did you mean `name`?
experiments.toml:10: experiment.badge.policy.attributes[4].cross = ["device", "contry"] names "contry", which is not listed. List it too; { name = "contry", hidden = true } keeps it to the cross"#
            .replace("attributes[4].name", "attributes[5].name")
            .replace("attributes[4].nam ", "attributes[5].nam ")
    );
}

#[test]
fn listed_values_of_a_number_are_refused() {
    let said = errors_with(
        r#"policy = { kind = "thompson", segments = [{ name = "cart", cuts = [50], values = ["small"] }] }"#,
    );
    assert_eq!(
        said,
        r#"experiments.toml:7: experiment.badge.policy.segments[0].values = ["small"] has no meaning beside what makes a number of it. Remove it: ranges are shown by their ends"#
    );
}

#[test]
fn metrics_that_do_not_add_up_are_refused() {
    let metric = |metric: &str| {
        errors(&format!(
            "{}policy = {{ kind = \"fixed\" }}",
            LEAST.replace(r#"{ event = "signup", window = "30m" }"#, metric)
        ))
    };
    assert_eq!(
        metric(r#"{ event = "purchase", value = "sum", currency = "eur", window = "2y" }"#),
        r#"experiments.toml:6: experiment.badge.metric.window = "2y" is no duration. Write a number with ms, s, m, h or d, in quotes: "30m"
experiments.toml:6: experiment.badge.metric.currency = "eur" is no currency. Write its three capital letters (ISO 4217): "EUR"
experiments.toml:6: experiment.badge.metric.value = "sum" needs a cap. One huge order must not decide: add cap = 500.0"#
    );
    assert_eq!(
        metric(r#"{ event = "purchase", cap = 5, currency = "EUR", window = "400d" }"#),
        r#"experiments.toml:6: experiment.badge.metric.window = "400d" is out of reach. Write 1 second to 365 days: "30m"
experiments.toml:6: experiment.badge.metric.cap = 5 caps no value. Add value = "sum", or remove the cap
experiments.toml:6: experiment.badge.metric.currency = "EUR" is of no value. Add value = "sum" and a cap, or remove the currency"#
    );
}

#[test]
fn a_guardrail_needs_a_limit_and_a_known_consequence() {
    assert_eq!(
        errors_with(
            r#"policy = { kind = "fixed" }
guardrails = [{ event = "refund", window = "7d", on_breach = "stop" }, { event = "bounce", window = "1m", max_increase = { relative = 0.1 } }]"#
        ),
        r#"experiments.toml:8: experiment.badge.guardrails[0].on_breach = "stop" is not known here. Did you mean "stop-variant"? Known: "notify", "stop-variant", "pause"
experiments.toml:8: experiment.badge.guardrails[0].max_increase is missing. Say how much more than the control is too much: max_increase = { absolute = 0.01 }
experiments.toml:8: experiment.badge.guardrails[1].max_increase.absolute is missing. Write { absolute = 0.01 }: one in a hundred more
experiments.toml:8: experiment.badge.guardrails[1].max_increase.relative is no setting. Known here: absolute"#
    );
}

#[test]
fn conditions_that_no_page_could_meet_or_read_are_refused() {
    let when = |text: &str| errors_with(&format!("policy = {{ kind = \"fixed\" }}\nwhen = {text}"));
    assert_eq!(
        when(
            r#"{ country = ["US"], age = { "$gt" = true, "$inn" = [1] }, "$xor" = [], plan = { tier = 1 } }"#
        ),
        r#"experiments.toml:8: experiment.badge.when.$xor = [] is no operator here. Did you mean "$or"?
experiments.toml:8: experiment.badge.when.age.$gt = true has no order. Write a number or a text, or use "$eq"
experiments.toml:8: experiment.badge.when.age.$inn = [1] is no operator here. Did you mean "$in"?
experiments.toml:8: experiment.badge.when.country = ["US"] is no single value. For any of several values write country = { "$in" = ["US"] }
experiments.toml:8: experiment.badge.when.plan.tier = 1 has no $ before its operator. Known here: $eq, $ne, $lt, $lte, $gt, $gte, $in, $nin, $exists, $not"#
    );
    let deep = (0..12).fold("{ a = 1 }".to_owned(), |inner, _| {
        format!("{{ \"$not\" = {inner} }}")
    });
    assert_eq!(
        when(&deep),
        "experiments.toml:2: experiment.badge.when has 13 conditions, nested 12 deep. Keep to 256 and 8; $in takes a whole list at once"
    );
}
