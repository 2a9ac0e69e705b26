//! The golden file of decisions, replayed through the plain wasm module in wasmtime: equal to the byte.
//!
//! The requests and answers are written and read by prost, which stands for a host that is not ours.

use prost::Message;
use serde_json::{Value, json};
use tiltwise_tests::{module, proto, unhex};
use wasmtime::{Engine, Instance, Memory, Module, Store, TypedFunc};

/// The module, loaded, with the exports that a host uses.
struct Core {
    store: Store<()>,
    memory: Memory,
    spec_version: TypedFunc<(), u32>,
    alloc: TypedFunc<u32, u32>,
    dealloc: TypedFunc<(u32, u32), ()>,
    load_snapshot: TypedFunc<(u32, u32, u64), u32>,
    decide: TypedFunc<(u32, u32), u32>,
    answer: TypedFunc<(), u32>,
    answer_len: TypedFunc<(), u32>,
}

impl Core {
    fn load() -> Self {
        let engine = Engine::default();
        let module = Module::new(&engine, module::abi()).unwrap();
        assert_eq!(
            module.imports().len(),
            0,
            "the module asks its host for something"
        );
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        Self {
            memory: instance.get_memory(&mut store, "memory").unwrap(),
            spec_version: instance.get_typed_func(&mut store, "spec_version").unwrap(),
            alloc: instance.get_typed_func(&mut store, "alloc_v1").unwrap(),
            dealloc: instance.get_typed_func(&mut store, "dealloc_v1").unwrap(),
            load_snapshot: instance.get_typed_func(&mut store, "load_snapshot_v1").unwrap(),
            decide: instance.get_typed_func(&mut store, "decide_v1").unwrap(),
            answer: instance.get_typed_func(&mut store, "answer_v1").unwrap(),
            answer_len: instance.get_typed_func(&mut store, "answer_len_v1").unwrap(),
            store,
        }
    }

    /// Calls with a copy of bytes in the module's memory.
    fn with<T>(&mut self, bytes: &[u8], call: impl FnOnce(&mut Self, u32, u32) -> T) -> T {
        let len = u32::try_from(bytes.len()).unwrap();
        let at = self.alloc.call(&mut self.store, len).unwrap();
        self.memory.write(&mut self.store, at as usize, bytes).unwrap();
        let result = call(self, at, len);
        self.dealloc.call(&mut self.store, (at, len)).unwrap();
        result
    }

    fn load_snapshot(&mut self, snapshot: &[u8], version: u64) -> u32 {
        self.with(snapshot, |core, at, len| {
            core.load_snapshot
                .call(&mut core.store, (at, len, version))
                .unwrap()
        })
    }

    fn decide(&mut self, request: &proto::DecideRequest) -> proto::DecideAnswer {
        let code = self.with(&request.encode_to_vec(), |core, at, len| {
            core.decide.call(&mut core.store, (at, len)).unwrap()
        });
        let at = self.answer.call(&mut self.store, ()).unwrap();
        let mut bytes = vec![0; self.answer_len.call(&mut self.store, ()).unwrap() as usize];
        self.memory.read(&self.store, at as usize, &mut bytes).unwrap();
        let answer = proto::DecideAnswer::decode(&bytes[..]).unwrap();
        assert_eq!(answer.code, code);
        answer
    }
}

fn golden() -> Value {
    serde_json::from_str(include_str!("../golden/decisions.json")).unwrap()
}

/// The snapshot of a row, and its version.
fn snapshot(file: &Value, row: &Value) -> (Vec<u8>, u64) {
    let bytes = unhex(
        file["snapshots"][row["snapshot"].as_str().unwrap()]
            .as_str()
            .unwrap(),
    );
    (bytes, row["model"].as_str().unwrap().parse().unwrap())
}

fn request(row: &Value) -> proto::DecideRequest {
    use proto::{context_entry, decide_request};
    let context = row["context"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| proto::ContextEntry {
            name: name.clone(),
            value: Some(match value {
                Value::String(text) => context_entry::Value::Text(text.clone()),
                Value::Bool(truth) => context_entry::Value::Truth(*truth),
                number => context_entry::Value::Number(number.as_f64().unwrap()),
            }),
        });
    let visitor = |v| decide_request::Unit::Visitor(unhex(v));
    let account = |a: &str| decide_request::Unit::Account(a.into());
    proto::DecideRequest {
        wire: 1,
        experiment: row["experiment"].as_str().unwrap().into(),
        unit: row["unit"]["visitor"]
            .as_str()
            .map(visitor)
            .or(row["unit"]["account"].as_str().map(account)),
        now_ms: row["now_ms"].as_u64().unwrap(),
        session: row["session"].as_str().unwrap().parse().unwrap(),
        unpersonalized: !row["personalized"].as_bool().unwrap(),
        context: context.collect(),
    }
}

/// An answer as the golden file writes it.
fn told(answer: &proto::DecideAnswer, row: &Value) -> Value {
    let Some(exposure) = &answer.exposure else {
        return match answer.code {
            1 => json!({ "held": "ineligible" }),
            2 => json!({ "held": "paused", "arm": answer.arm }),
            _ => json!({ "held": "decided", "arm": answer.arm }),
        };
    };
    let hex: String = exposure
        .encode_to_vec()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    json!({
        "held": null,
        "episode": exposure.episode.to_string(),
        "arm": answer.arm,
        // A name, which only the snapshot has.
        "variant": row["expect"]["variant"],
        "draw": exposure.draw,
        "propensities": exposure.propensities_q30,
        "exposure": hex,
    })
}

#[test]
fn every_golden_row_is_decided_alike_in_wasmtime() {
    let file = golden();
    let mut core = Core::load();
    let spec = core.spec_version.call(&mut core.store, ()).unwrap();
    assert_eq!(json!(spec), file["spec"]);
    for row in file["rows"].as_array().unwrap() {
        let (bytes, version) = snapshot(&file, row);
        assert_eq!(core.load_snapshot(&bytes, version), 0);
        let answer = core.decide(&request(row));
        assert_eq!(told(&answer, row), row["expect"], "{}", row["name"]);
    }
}

#[test]
fn bytes_that_are_no_message_are_a_code_and_the_snapshot_of_before_stays() {
    let file = golden();
    let row = &file["rows"][0];
    let mut core = Core::load();
    assert_eq!(core.decide(&request(row)).code, 18, "no snapshot yet");
    let (bytes, version) = snapshot(&file, row);
    assert_eq!(core.load_snapshot(&bytes, version), 0);
    assert_eq!(core.load_snapshot(b"no snapshot", version + 1), 16);
    assert_eq!(
        core.decide(&proto::DecideRequest {
            wire: 2,
            ..request(row)
        })
        .code,
        17
    );
    assert_eq!(told(&core.decide(&request(row)), row), row["expect"]);
}

#[test]
fn a_hundred_thousand_decisions_leave_the_memory_as_large_as_it_was() {
    let file = golden();
    let mut core = Core::load();
    let (bytes, version) = snapshot(&file, &file["rows"][0]);
    assert_eq!(core.load_snapshot(&bytes, version), 0);
    let request = request(&file["rows"][0]);
    let mut size_after = |decisions: u32| {
        for _ in 0..decisions {
            core.decide(&request);
        }
        core.memory.size(&core.store)
    };
    let early = size_after(100);
    assert_eq!(size_after(100_000), early);
}
