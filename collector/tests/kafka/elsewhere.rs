//! The documented consumer, run as it stands: it needs nothing of this repository but the wire format.

use std::{collections::BTreeSet, path::Path, process::Command};

use tempfile::TempDir;

use crate::{
    broker::{Broker, variable},
    trouble::{key, order, site},
};

#[test]
fn ten_lines_of_python_read_the_topic_with_the_published_wire_format() {
    let broker = Broker::start();
    let site = site(&broker.address(), "");
    site.run(&["topics", "create"]);
    let key = key(&site);
    let collector = site.start();
    for id in ["first", "second", "third"] {
        assert_eq!(order(&collector, &key, id), 200);
    }
    let told = site.run(&["tail"]);
    let count = told.lines().filter(|line| line.contains("purchase")).count();
    assert_eq!(count, 60, "{told}");
    collector.stop();

    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = TempDir::new().unwrap();
    let python = |arguments: &[&str]| {
        let output = Command::new(variable("KAFKA_PYTHON"))
            .args(arguments)
            .env("PYTHONPATH", folder.path())
            .current_dir(&root)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let out = format!("--python_out={}", folder.path().display());
    python(&[
        "-m",
        "grpc_tools.protoc",
        "--proto_path=proto",
        &out,
        "tiltwise.proto",
    ]);
    let said = python(&["docs/kafka/consumer.py", &broker.address(), "tiltwise.events"]);
    let lines: Vec<Vec<&str>> = said.lines().map(|line| line.split(' ').collect()).collect();
    let of = |place: usize| lines.iter().map(|words| words[place]).collect::<BTreeSet<_>>();
    assert_eq!((lines.len(), of(1).len(), of(2).len()), (60, 60, 3), "{said}");
    assert_eq!(
        (of(3), of(4)),
        (BTreeSet::from(["purchase"]), BTreeSet::from(["1.0"]))
    );
}
