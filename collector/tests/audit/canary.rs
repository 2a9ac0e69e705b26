//! Somebody whose ids are recognised wherever they turn up, and the search for them.

use std::{collections::BTreeSet, fs, path::Path};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::json;
use tiltwise_core::{
    context::Context,
    decide,
    event::{Body, Event, EventBatch, Outcome},
    hash::Unit,
    id::{Pseudonym, UnitKind, Visitor},
};

use crate::{
    client::Connection,
    site::{Collector, Site, now_ms},
};

pub const EXPERIMENTS: &str = r#"
[[experiment]]
key = "hero"
control = "calm"
variants = [{ key = "calm" }, { key = "bold" }]
policy = { kind = "thompson" }
metric = { event = "signup", window = "30m" }

[[experiment]]
key = "plan"
unit = "account"
control = "month"
variants = [{ key = "month" }, { key = "year" }]
policy = { kind = "fixed", weights = { month = 0.5, year = 0.5 } }
metric = { event = "purchase", value = "sum", cap = 100.0, currency = "EUR", window = "7d" }
"#;

/// Everything that the collector has to say, so that it is searched too.
pub const SETTINGS: &str = "[diagnostics]\nlevel = \"debug\"\n";

/// Somebody who browses, logs in and buys.
pub struct Person {
    pub visitor: Visitor,
    pub account: String,
    session: [u8; 16],
    order: String,
}

impl Person {
    pub fn new(name: &str) -> Self {
        let sixteen = |text: &str| {
            let mut bytes = [b'.'; 16];
            bytes
                .iter_mut()
                .zip(text.bytes())
                .for_each(|(to, from)| *to = from);
            bytes
        };
        Self {
            visitor: Visitor::mint(now_ms(), sixteen(&format!("id:{name}"))),
            account: format!("{name}@shop.example"),
            session: sixteen(&format!("at:{name}")),
            order: format!("order-of-{name}"),
        }
    }

    /// Through every door: a page's batch, a back end's JSON, an ad network's postback. Returns when the batch was received.
    pub fn act(&self, to: &Collector, key: &str, turn: u32) -> u64 {
        let mut connection = Connection::open(&to.public).unwrap();
        let (version, content) = connection.snapshot().unwrap();
        let order = format!("{}-{turn}", self.order);
        let mut bodies = Vec::new();
        for experiment in &content.experiments {
            let unit = match experiment.revision.unit {
                UnitKind::Visitor => Unit::Visitor(&self.visitor),
                UnitKind::Account => Unit::Account(&self.account),
            };
            let prepared = decide::prepare(experiment, &Context::new(), true);
            let shown = decide::decide(experiment, &prepared, version, unit, turn.into()).unwrap();
            bodies.push(Body::Exposure(shown));
        }
        for (name, id) in [("signup", ""), ("purchase", order.as_str())] {
            bodies.push(Body::Outcome(Outcome {
                name,
                value: 20.0,
                currency: "EUR",
                id,
            }));
        }
        let event = |body| {
            Event {
                made_ms: 0,
                body,
                id: "",
                visitor: None,
                account: "",
            }
            .encode()
        };
        let events: Vec<Vec<u8>> = bodies.into_iter().map(event).collect();
        let batch = EventBatch {
            session: &self.session,
            sequence: turn,
            visitor: Some(self.visitor),
            account: &self.account,
            events: events.iter().map(Vec::as_slice).collect(),
            ..EventBatch::default()
        };
        let answer = connection.post("/v1/e", "", &batch.encode()).unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (200, &[][..]));
        let received_ms = answer.received_ms;

        let visitor = hex::encode(self.visitor.0);
        let json = json!({
            "visitor": visitor,
            "account": self.account,
            "events": [{ "id": format!("{order}-refund"), "outcome": { "name": "refund", "value": 1 } }],
        });
        let answer = connection.post("/v1/e", "", json.to_string().as_bytes()).unwrap();
        assert_eq!(answer.json()["accepted"], 1);

        let account = self.account.replace('@', "%40");
        let path = format!(
            "/v1/postback?key={key}&visitor={visitor}&account={account}&event=purchase&value=5&currency=EUR&id={order}-ad"
        );
        assert_eq!(connection.get(&path).unwrap().json()["accepted"], 1);
        received_ms
    }

    pub fn pseudonyms(&self, site: &Site) -> [Pseudonym; 2] {
        let keys = site.keys();
        let visitor = keys.pseudonyms.visitor(&self.visitor, now_ms()).unwrap();
        [visitor, keys.pseudonyms.account(&self.account)]
    }

    /// Every way in which something of this person could have been written down as it came.
    pub fn ids(&self) -> Vec<Vec<u8>> {
        let visitor = self.visitor.0;
        let mut ids = vec![
            visitor[2..].to_vec(),
            hex::encode(visitor).into_bytes(),
            hex::encode(&visitor[2..]).to_uppercase().into_bytes(),
            STANDARD.encode(visitor).into_bytes(),
            URL_SAFE_NO_PAD.encode(visitor).into_bytes(),
            self.session.to_vec(),
            hex::encode(self.session).into_bytes(),
            self.order.clone().into_bytes(),
        ];
        let name = self.account.split('@').next().unwrap();
        ids.push(name.as_bytes().to_vec());
        ids
    }
}

/// As bytes and as text.
pub fn both(names: impl IntoIterator<Item = [u8; 16]>) -> Vec<Vec<u8>> {
    names
        .into_iter()
        .flat_map(|name| [name.to_vec(), hex::encode(name).into_bytes()])
        .collect()
}

/// The files below a folder that hold any of the needles, by their path from it.
pub fn search(folder: &Path, needles: &[Vec<u8>]) -> BTreeSet<String> {
    let mut by_first: Vec<Vec<&[u8]>> = vec![Vec::new(); 256];
    for needle in needles {
        by_first[usize::from(needle[0])].push(needle);
    }
    let mut found = BTreeSet::new();
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let is_here = |place: usize| {
            let needles = &by_first[usize::from(bytes[place])];
            !needles.is_empty() && needles.iter().any(|needle| bytes[place..].starts_with(needle))
        };
        if (0..bytes.len()).any(is_here) {
            found.insert(path.strip_prefix(folder).unwrap().display().to_string());
        }
    }
    found
}
