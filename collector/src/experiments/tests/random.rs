//! Property: whatever a valid file says, its revision survives the wire, and reading the file twice names it the same.
//!
//! A fixed sample would miss it: encoder and decoder have a branch for every kind of attribute, policy, metric and
//! condition, and default values are left out of the bytes, so that a value of 0 in the wrong place reads back as absent.

use proptest::prelude::*;

use super::*;

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        (-1_000i32..1_000).prop_map(|n| n.to_string()),
        Just("0.0".into()),
        Just("-0.0".into()),
        (-1e6..1e6f64).prop_map(|n| format!("{n:?}")),
    ]
}

fn condition() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("{ country = \"US\" }".to_owned()),
        Just("{ vip = false }".to_owned()),
        number().prop_map(|n| format!("{{ cart = {{ \"$gte\" = {n} }} }}")),
        prop::collection::vec("[a-z]{0,6}", 0..4)
            .prop_map(|all| format!("{{ city = {{ \"$nin\" = {all:?} }} }}")),
        any::<bool>().prop_map(|truth| format!("{{ plan = {{ \"$exists\" = {truth} }} }}")),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|one| format!("{{ \"$not\" = {one} }}")),
            (
                prop::sample::select(vec!["$and", "$or", "$nor"]),
                prop::collection::vec(inner, 1..4)
            )
                .prop_map(|(word, all)| format!("{{ {word:?} = [{}] }}", all.join(", "))),
        ]
    })
}

fn policy(arms: usize) -> impl Strategy<Value = String> {
    let numeric = (number(), 0.001..1e3f64)
        .prop_map(|(center, scale)| format!("{{ name = \"age\", center = {center}, scale = {scale:?} }}"));
    let cuts = prop::collection::btree_set(-500i32..500, 1..6).prop_map(|cuts| {
        format!(
            "{{ name = \"cart\", cuts = {:?} }}",
            cuts.into_iter().collect::<Vec<_>>()
        )
    });
    prop_oneof![
        Just("{ kind = \"fixed\" }".to_owned()),
        Just("{ kind = \"best-arm\" }".to_owned()),
        cuts.clone().prop_map(|cuts| format!("{{ kind = \"thompson\", segments = [\"device\", {cuts}] }}")),
        (numeric, cuts).prop_map(|(numeric, cuts)| format!(
            "{{ kind = \"contextual\", attributes = [\"device\", {numeric}, {{ cross = [\"cart\", \"device\"] }}, {cuts}] }}"
        )),
        (1u32..100).prop_map(move |first| {
            // Weights in parts of a hundred, the last variant taking the rest.
            let share = f64::from(first) / 100.0;
            let each = (1.0 - share) / (arms - 1) as f64;
            let weights: Vec<String> = (0..arms)
                .map(|arm| format!("v{arm} = {:?}", if arm == 0 { share } else { each }))
                .collect();
            format!("{{ kind = \"fixed\", weights = {{ {} }} }}", weights.join(", "))
        }),
    ]
}

fn metric() -> impl Strategy<Value = String> {
    let window = (1u32..10_000).prop_map(|seconds| format!("window = \"{seconds}s\""));
    let from = prop::sample::select(vec!["page", "worker", "server"]);
    (window, from, any::<bool>(), 0.01..1e6f64).prop_map(|(window, from, sums, cap)| {
        let sum = if sums {
            format!("value = \"sum\", cap = {cap:?}, currency = \"EUR\", ")
        } else {
            String::new()
        };
        format!("{{ event = \"purchase\", {sum}from = \"{from}\", {window} }}")
    })
}

prop_compose! {
    fn file()(arms in 2usize..7)(
        policy in policy(arms),
        metric in metric(),
        secondary in prop::collection::vec(metric(), 0..3),
        when in prop::option::of(condition()),
        traffic in 0u32..=1000,
        comparison in 0u32..=500,
        sticky in prop::sample::select(vec!["visitor", "session", "none"]),
        unit in prop::sample::select(vec!["visitor", "account"]),
        half_life in prop::sample::select(vec!["none", "1s", "36h", "7d"]),
        control in 0..arms,
        value in "[ -~]{0,40}",
        arms in Just(arms),
    ) -> String {
        let variants: Vec<String> =
            (0..arms).map(|arm| format!("{{ key = \"v{arm}\", value = {} }}", serde_json::json!(value))).collect();
        let when = when.map(|when| format!("when = {when}\n")).unwrap_or_default();
        format!(
            "[[experiment]]\nkey = \"random\"\nunit = \"{unit}\"\ncontrol = \"v{control}\"\nvariants = [{}]\n\
             policy = {policy}\nmetric = {metric}\nsecondary = [{}]\n{when}traffic = {:?}\ncomparison_group = {:?}\n\
             sticky = \"{sticky}\"\nhalf_life = \"{half_life}\"\n",
            variants.join(", "), secondary.join(", "), f64::from(traffic) / 1e3, f64::from(comparison) / 1e3,
        )
    }
}

proptest! {
    #[test]
    fn a_compiled_revision_survives_the_wire(text in file()) {
        let experiments = check(&text).map_err(|problems| TestCaseError::fail(format!("{problems}\n{text}")))?;
        let definition = &experiments.definitions[0];
        let bytes = definition.revision.encode();
        let back = Revision::decode(&bytes).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        prop_assert_eq!(&back, &definition.revision);
        prop_assert_eq!(back.encode(), bytes);
        prop_assert_eq!(check(&text).unwrap().definitions[0].id, definition.id);
    }

    #[test]
    fn no_text_makes_the_checker_panic(text in "[\\[\\]{}a-z0-9 =\"$.,\n]{0,200}") {
        let _ = check(&text);
        let _ = least_with(&text);
    }
}
