//! The rows of the golden file, each named with a sentence.

use serde_json::{Value, json};

/// Monday, 2026-01-05.
const NOW: u64 = 1_767_571_200_000;
/// Leader epoch 1, the seventh snapshot.
const MODEL: &str = "4294967303";

pub fn all() -> Vec<Value> {
    let mut rows = vec![
        hero(
            "a phone from the US is drawn by the contextual model",
            1,
            json!({"device": "phone", "country": "US"}),
        ),
        hero(
            "another visitor with the same context has the same propensities",
            2,
            json!({"device": "phone", "country": "US"}),
        ),
        hero(
            "a desktop from Germany has its own propensities",
            1,
            json!({"device": "desktop", "country": "DE"}),
        ),
        hero("nothing known of a visitor is a context too", 3, json!({})),
        hero(
            "a value that the model never saw adds only uncertainty",
            4,
            json!({"device": "watch", "country": "US"}),
        ),
        hero(
            "a cart of exactly a cut lies in the bin above it",
            5,
            json!({"cart_value": 50}),
        ),
        hero(
            "a cart just below a cut lies in the bin below it",
            5,
            json!({"cart_value": 49.999}),
        ),
        hero(
            "a number as text counts as absent where bins are declared",
            5,
            json!({"cart_value": "50"}),
        ),
        hero(
            "a numeric attribute travels in parts of 2^10",
            6,
            json!({"visits": 5}),
        ),
        hero(
            "a numeric attribute is clamped to eight scales",
            6,
            json!({"visits": 1e12}),
        ),
        hero(
            "a numeric attribute at its center has no slot",
            6,
            json!({"visits": 3}),
        ),
        hero("a negative number keeps its sign", 6, json!({"visits": -40.5})),
        hero(
            "minus zero is zero where a number names a category",
            7,
            json!({"device": -0.0}),
        ),
        hero("a truth value names a category", 7, json!({"device": true})),
        hero(
            "text beyond ASCII is its UTF-8 bytes",
            7,
            json!({"device": "téléphone 📱"}),
        ),
        hero(
            "a cross of two attributes has a slot of its own",
            8,
            json!({"device": "phone", "country": "DE"}),
        ),
        hero(
            "every attribute at once",
            9,
            json!({"device": "phone", "country": "US", "cart_value": 220.5, "visits": 9, "extra": "ignored"}),
        ),
        hero(
            "a country that is not targeted is not eligible",
            1,
            json!({"country": "FR"}),
        ),
        hero("a bot is not eligible", 1, json!({"country": "US", "bot": true})),
        with(
            hero(
                "without personalization no attribute is read",
                1,
                json!({"device": "phone", "country": "FR"}),
            ),
            "personalized",
            json!(false),
        ),
        with(
            hero(
                "thirty days later a visitor's episode has another name and another draw",
                1,
                json!({"device": "phone", "country": "US"}),
            ),
            "now_ms",
            json!(NOW + 2_592_000_000),
        ),
        with(
            hero("a model version beyond 2^53 keeps every digit", 1, json!({})),
            "model",
            json!("18446744073709551615"),
        ),
        with(
            hero(
                "before anything is known the contextual split is even",
                1,
                json!({"device": "phone"}),
            ),
            "snapshot",
            json!("burn-in"),
        ),
        with(
            hero(
                "a stopped arm has no chance and the others share its traffic",
                1,
                json!({"device": "phone"}),
            ),
            "snapshot",
            json!("actions"),
        ),
        badge(
            "a phone's row of the Thompson table",
            1,
            json!({"device": "phone"}),
        ),
        badge(
            "a desktop's row of the Thompson table",
            1,
            json!({"device": "desktop"}),
        ),
        badge(
            "a segment without a row is served by everybody's",
            1,
            json!({"device": "fridge"}),
        ),
        with(
            badge(
                "another session is another episode",
                1,
                json!({"device": "phone"}),
            ),
            "session",
            json!("2"),
        ),
        with(
            badge(
                "before anything is known the Thompson split is even",
                1,
                json!({"device": "phone"}),
            ),
            "snapshot",
            json!("burn-in"),
        ),
        with(
            badge(
                "a newcomer keeps its guaranteed share",
                1,
                json!({"device": "phone"}),
            ),
            "snapshot",
            json!("actions"),
        ),
        row("a fixed split needs no model", "checkout", visitor(1), json!({})),
        with(
            row(
                "without stickiness a window is an episode",
                "checkout",
                visitor(1),
                json!({}),
            ),
            "now_ms",
            json!(NOW + 604_800_000),
        ),
        with(
            row(
                "a paused experiment gives everybody the control",
                "checkout",
                visitor(1),
                json!({}),
            ),
            "snapshot",
            json!("actions"),
        ),
        row(
            "an account is drawn by its name",
            "plan",
            json!({"account": "customer-17"}),
            json!({}),
        ),
        row(
            "an account's name may be any text",
            "plan",
            json!({"account": "Zoë @ Größenwahn GmbH"}),
            json!({}),
        ),
        row(
            "the empty account is an account like any other",
            "plan",
            json!({"account": ""}),
            json!({}),
        ),
        with(
            row(
                "a decided experiment gives everybody the winner",
                "plan",
                json!({"account": "customer-17"}),
                json!({}),
            ),
            "snapshot",
            json!("actions"),
        ),
        with(
            row(
                "sixty-four arms share what the floor leaves",
                "many",
                visitor(1),
                json!({}),
            ),
            "snapshot",
            json!("many-arms"),
        ),
    ];
    // Enough visitors that some are out of traffic, some in the comparison group, and every arm is drawn.
    for n in 10..34 {
        rows.push(badge(
            &format!("visitor {n} of a half-traffic experiment"),
            n,
            json!({"device": "phone"}),
        ));
        rows.push(hero(
            &format!("visitor {n} of the contextual experiment"),
            n,
            json!({"device": "desktop", "country": "US"}),
        ));
    }
    rows
}

fn hero(name: &str, n: u8, context: Value) -> Value {
    row(name, "hero", visitor(n), context)
}

fn badge(name: &str, n: u8, context: Value) -> Value {
    row(name, "badge", visitor(n), context)
}

fn row(name: &str, experiment: &str, unit: Value, context: Value) -> Value {
    json!({
        "name": name, "snapshot": "shop", "experiment": experiment, "model": MODEL, "unit": unit, "context": context,
        "personalized": true, "now_ms": NOW, "session": "12297829382473034410",
    })
}

fn with(mut row: Value, field: &str, value: Value) -> Value {
    row[field] = value;
    row
}

/// A visitor minted in week 2,922, its 16 random bytes counted up.
fn visitor(n: u8) -> Value {
    let random: String = (0..16u8)
        .map(|i| format!("{:02x}", n.wrapping_mul(17).wrapping_add(i.wrapping_mul(29))))
        .collect();
    json!({ "visitor": format!("0b6a{random}") })
}
