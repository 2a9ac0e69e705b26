//! What a client expects of the sums, from nothing but what it sent and what the experiment file promises.

use std::collections::BTreeMap;

/// What a client knows of an experiment: the lines of the file that decide what counts.
#[derive(Debug)]
pub struct Rules {
    pub key: &'static str,
    pub variants: &'static [&'static str],
    pub event: &'static str,
    pub window_ms: u64,
    /// Values are summed up to this, in cents; without it an outcome counts 1.
    pub cap_cents: Option<u64>,
}

/// The experiments of [`EXPERIMENTS`], in its order.
pub const RULES: [Rules; 3] = [
    Rules {
        key: "hero",
        variants: &["calm", "bold"],
        event: "signup",
        window_ms: 600_000,
        cap_cents: None,
    },
    Rules {
        key: "badge",
        variants: &["none", "free", "fast"],
        event: "purchase",
        window_ms: 1_000,
        cap_cents: Some(10_000),
    },
    Rules {
        key: "button",
        variants: &["grey", "green"],
        event: "click",
        window_ms: 1_000,
        cap_cents: None,
    },
];

pub const EXPERIMENTS: &str = r#"
[[experiment]]
key = "hero"
control = "calm"
variants = [{ key = "calm" }, { key = "bold" }]
policy = { kind = "contextual", attributes = ["device"] }
metric = { event = "signup", window = "10m" }

[[experiment]]
key = "badge"
control = "none"
variants = [{ key = "none" }, { key = "free" }, { key = "fast" }]
policy = { kind = "thompson", segments = ["device"] }
metric = { event = "purchase", value = "sum", cap = 100.0, currency = "EUR", window = "1s" }

[[experiment]]
key = "button"
control = "grey"
variants = [{ key = "grey" }, { key = "green" }]
policy = { kind = "fixed", weights = { grey = 0.5, green = 0.5 } }
metric = { event = "click", window = "1s" }
"#;

/// An exposure that is later than this does not count.
pub const LATENESS_MS: u64 = 2_000;
pub const SETTINGS: &str = "[trainer]\nlateness = \"2s\"\n";

/// Something that changes the sums once the collector has it.
#[derive(Debug, Clone)]
pub enum Entry {
    Shown {
        episode: u64,
        rules: usize,
        arm: u32,
    },
    /// An outcome that counts for an episode. Another of the same order changes nothing.
    Rewarded {
        episode: u64,
        order: u64,
        cents: u64,
    },
}

/// An arm's sums: how many units saw it, and their rewards in millionths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Total {
    pub n: i64,
    pub sum_r_micros: i64,
}

/// The arm of a variant.
#[allow(dead_code, reason = "asked by those who read keys")]
pub fn arm(experiment: &str, variation: &str) -> (String, u32) {
    let rules = RULES.iter().find(|rules| rules.key == experiment).unwrap();
    let arm = rules.variants.iter().position(|key| *key == variation);
    (experiment.to_owned(), arm.unwrap() as u32)
}

/// By experiment and arm.
pub type Totals = BTreeMap<(String, u32), Total>;

#[derive(Debug, Clone, Default)]
pub struct Books {
    episodes: BTreeMap<u64, Episode>,
}

#[derive(Debug, Clone)]
struct Episode {
    rules: usize,
    arm: u32,
    orders: BTreeMap<u64, u64>,
}

impl Books {
    pub fn enter(&mut self, entries: &[Entry]) {
        for entry in entries {
            match *entry {
                Entry::Shown { episode, rules, arm } => {
                    let orders = BTreeMap::new();
                    let shown = Episode { rules, arm, orders };
                    assert!(self.episodes.insert(episode, shown).is_none());
                }
                Entry::Rewarded {
                    episode,
                    order,
                    cents,
                } => {
                    let episode = self.episodes.get_mut(&episode).unwrap();
                    episode.orders.insert(order, cents);
                }
            }
        }
    }

    pub fn add_to(&self, totals: &mut Totals) {
        for episode in self.episodes.values() {
            let rules = &RULES[episode.rules];
            let total = totals.entry((rules.key.to_owned(), episode.arm)).or_default();
            total.n += 1;
            total.sum_r_micros += episode.reward_micros(rules.cap_cents);
        }
    }
}

impl Episode {
    fn reward_micros(&self, cap_cents: Option<u64>) -> i64 {
        let reward = match cap_cents {
            None => u64::from(!self.orders.is_empty()) * 1_000_000,
            // A cap of 100.00 makes a cent a hundred millionths.
            Some(cap) => self.orders.values().sum::<u64>().min(cap) * 1_000_000 / cap,
        };
        reward.cast_signed()
    }
}
