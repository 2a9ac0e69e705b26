use tiltwise_core::id::{Tier, UnitKind};
use tiltwise_core::propensity::ONE_Q30;
use tiltwise_core::revision::{AttributeKind, Condition, Operator, PolicyKind, Role, Sticky, Value};

use super::*;

fn least_one(settings: &str) -> Revision {
    least_with(settings).unwrap().definitions.remove(0).revision
}

#[test]
fn the_documented_experiment_compiles_to_what_it_says() {
    let hero = one(HERO);
    assert_eq!(
        (hero.key.as_str(), hero.unit, hero.sticky, hero.control),
        ("hero", UnitKind::Visitor, Sticky::Visitor, 0)
    );
    assert_eq!(hero.variants[1].value, "\"Save 20 % today\"");
    assert_eq!(hero.traffic_q30, ONE_Q30);
    assert_eq!(hero.comparison_q30, 53_687_091);
    assert_eq!(hero.policy.kind, PolicyKind::Contextual);
    assert_eq!(hero.policy.min_propensity_q30, 53_687_091);
    let events: Vec<&str> = hero.metrics.iter().map(|metric| metric.event.as_str()).collect();
    assert_eq!(events, ["signup", "add_to_cart", "refund"]);
    assert_eq!(
        (hero.metrics[2].role, hero.metrics[2].max_increase_micros),
        (Role::Guardrail, 10_000)
    );
    assert_eq!(
        (hero.half_life_ms, hero.fine_ms, hero.bucket_ms),
        (604_800_000, 60_000, 900_000)
    );
    assert_eq!(
        hero.when,
        Condition::Compare {
            attribute: "country".into(),
            operator: Operator::In,
            values: vec![Value::Text("US".into()), Value::Text("CA".into())],
        }
    );
}

#[test]
fn the_defaults_are_the_documented_ones() {
    let badge = least_one("policy = { kind = \"thompson\" }");
    assert_eq!(badge.policy.min_propensity_q30, 53_687_091);
    assert_eq!((badge.traffic_q30, badge.comparison_q30), (ONE_Q30, 53_687_091));
    assert_eq!((badge.sticky, badge.half_life_ms), (Sticky::Visitor, 604_800_000));
    assert_eq!(badge.variants[1].value, "\"on\"");
    assert_eq!(badge.when, Condition::always());
    let contextual = least_one("policy = { kind = \"contextual\", attributes = [\"device\"] }");
    assert_eq!(contextual.policy.min_propensity_q30, 10_737_418);
    assert_eq!(least_one("policy = { kind = \"fixed\" }").comparison_q30, 0);
}

#[test]
fn an_experiment_keeps_its_salt_over_every_edit_and_no_two_share_one() {
    let (before, after) = (one(HERO), one(&HERO.replace("traffic = 1.0", "traffic = 0.5")));
    assert_eq!(before.salt, after.salt);
    assert_ne!(identity::revision_id(&before), identity::revision_id(&after));
    let elsewhere = Experiments::check("experiments.toml", HERO, "other")
        .unwrap()
        .definitions
        .remove(0);
    assert_ne!(elsewhere.revision.salt, before.salt);
    // From an independent implementation of SHA-256.
    assert_eq!(hex::encode(before.salt), "2ef037fdeb0b182197525bee2ce5201c");
}

#[test]
fn fixed_weights_become_exact_parts_of_the_whole() {
    let weights = |text: &str| {
        least_one(&format!("policy = {{ kind = \"fixed\", weights = {text} }}"))
            .policy
            .weights_q30
    };
    assert_eq!(weights("{ on = 0.25, off = 0.75 }"), [805_306_368, 268_435_456]);
    assert_eq!(weights("{ on = 0.9, off = 0.1 }").iter().sum::<u32>(), ONE_Q30);
    assert_eq!(
        least_one("policy = { kind = \"fixed\" }").policy.weights_q30,
        [ONE_Q30 / 2, ONE_Q30 / 2]
    );
}

#[test]
fn every_form_of_an_attribute_has_its_kind_and_crosses_come_last() {
    let revision = least_one(
        r#"policy = { kind = "contextual", attributes = [
            { cross = ["device", "region"] },
            "device",
            { name = "region", hidden = true },
            { name = "cart", cuts = [10, 50.5] },
            { name = "age", center = 40, scale = 15 },
            { name = "height", numeric = true },
        ] }"#,
    );
    let kinds: Vec<(&str, bool, &AttributeKind)> = revision
        .attributes
        .iter()
        .map(|attribute| (attribute.name.as_str(), attribute.hidden, &attribute.kind))
        .collect();
    assert_eq!(
        kinds,
        [
            ("device", false, &AttributeKind::Categorical),
            ("region", true, &AttributeKind::Categorical),
            (
                "cart",
                false,
                &AttributeKind::Bins {
                    cuts: vec![10.0, 50.5]
                }
            ),
            (
                "age",
                false,
                &AttributeKind::Linear {
                    center: 40.0,
                    scale: 15.0
                }
            ),
            ("height", false, &AttributeKind::Number),
            ("device*region", false, &AttributeKind::Cross { of: vec![0, 1] }),
        ]
    );
}

#[test]
fn segments_become_hidden_parts_of_one_attribute() {
    let revision =
        least_one(r#"policy = { kind = "thompson", segments = ["device", { name = "cart", cuts = [50] }] }"#);
    assert!(revision.attributes[0].hidden && revision.attributes[1].hidden);
    assert_eq!(
        revision.attributes[2].kind,
        AttributeKind::Segment { of: vec![0, 1] }
    );
    assert!(
        least_one("policy = { kind = \"thompson\" }")
            .attributes
            .is_empty()
    );
}

#[test]
fn values_that_people_want_to_see_are_no_part_of_what_pages_get() {
    for policy in [
        r#"policy = { kind = "thompson", segments = [DEVICE] }"#,
        r#"policy = { kind = "contextual", attributes = [DEVICE] }"#,
    ] {
        let with = |device| {
            least_with(&policy.replace("DEVICE", device))
                .unwrap()
                .definitions
                .remove(0)
        };
        let plain = with(r#""device""#);
        let listed = with(r#"{ name = "device", values = ["phone", "desktop"] }"#);
        assert_eq!((listed.id, &listed.revision), (plain.id, &plain.revision));
        assert!(plain.values.is_empty());
        assert_eq!(listed.values["device"], ["phone", "desktop"]);
        let [plain, listed] = [plain, listed].map(|one| Experiments {
            definitions: vec![one],
        });
        let difference = Difference::between(&plain, &listed).to_string();
        assert!(
            difference.contains("policy.attributes.device.values: phone, desktop"),
            "{difference}"
        );
    }
}

#[test]
fn a_summed_metric_keeps_cap_currency_and_sender() {
    let text = LEAST.replace(
        r#"metric = { event = "signup", window = "30m" }"#,
        r#"metric = { event = "purchase", value = "sum", cap = 500.0, currency = "EUR", window = "7d", from = "server" }"#,
    );
    let metric = one(&format!("{text}policy = {{ kind = \"best-arm\" }}"))
        .metrics
        .remove(0);
    assert_eq!(
        (metric.cap_micros, metric.currency.as_str(), metric.min_tier),
        (500_000_000, "EUR", Tier::Server)
    );
}

#[test]
fn a_condition_reads_as_growthbook_writes_it() {
    let when = |text: &str| least_one(&format!("policy = {{ kind = \"fixed\" }}\nwhen = {text}")).when;
    let is = |attribute: &str, operator, value| Condition::Compare {
        attribute: attribute.into(),
        operator,
        values: vec![value],
    };
    assert_eq!(
        when("{ vip = true }"),
        is("vip", Operator::Eq, Value::Truth(true))
    );
    assert_eq!(
        when(r#"{ age = { "$gte" = 18, "$lt" = 65 } }"#),
        Condition::All(vec![
            is("age", Operator::Gte, Value::Number(18.0)),
            is("age", Operator::Lt, Value::Number(65.0))
        ])
    );
    assert_eq!(
        when(r#"{ "$or" = [{ device = "phone" }, { "$not" = { country = "US" } }] }"#),
        Condition::Any(vec![
            is("device", Operator::Eq, Value::Text("phone".into())),
            Condition::None(vec![is("country", Operator::Eq, Value::Text("US".into()))]),
        ])
    );
    assert_eq!(
        when(r#"{ plan = { "$exists" = false } }"#),
        is("plan", Operator::Exists, Value::Truth(false))
    );
}

#[test]
fn a_name_is_no_part_of_the_revision() {
    let renamed = HERO.replace("Hero headline", "The headline");
    assert_eq!(
        check(HERO).unwrap().definitions[0].id,
        check(&renamed).unwrap().definitions[0].id
    );
}

#[test]
fn the_example_file_is_accepted_and_shows_every_policy() {
    let example = check(include_str!("../../../experiments.example.toml")).unwrap();
    let kinds: Vec<PolicyKind> = example
        .definitions
        .iter()
        .map(|definition| definition.revision.policy.kind)
        .collect();
    assert_eq!(
        kinds,
        [
            PolicyKind::Contextual,
            PolicyKind::Thompson,
            PolicyKind::Fixed,
            PolicyKind::BestArm
        ]
    );
}
