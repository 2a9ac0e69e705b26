//! The documented consumers, run as they stand: they need nothing of this repository but the wire format.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::{
    broker::{Broker, variable},
    trouble::{key, order, site},
};

#[test]
fn ten_lines_of_python_and_as_many_of_java_read_the_topic_with_the_published_wire_format() {
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
    let ids: BTreeSet<String> = of(1).into_iter().map(str::to_owned).collect();
    assert_eq!(by_java(&root, &broker.address(), 60), ids);
}

/// The ids of the outcomes that the Java program prints, once it has printed so many. Built in a folder of its own, since what is
/// built is not committed.
fn by_java(root: &Path, address: &str, wanted: usize) -> BTreeSet<String> {
    let folder = TempDir::new().unwrap();
    let from = root.join("docs/kafka/java");
    let sources = folder.path().join("src/main/java");
    fs::create_dir_all(&sources).unwrap();
    for file in ["pom.xml", "src/main/java/Outcomes.java"] {
        fs::copy(from.join(file), folder.path().join(file)).unwrap();
    }
    let proto = fs::canonicalize(root.join("proto")).unwrap();
    let mut maven = Command::new("mvn");
    maven.args(["--batch-mode", "--quiet", "compile", "exec:java"]);
    maven.arg(format!("-Dproto={}", proto.display()));
    maven.arg(format!("-Dexec.args={address} tiltwise.events"));
    maven.current_dir(&folder).stdout(Stdio::piped());
    let mut running = maven.spawn().unwrap();
    // It reads on until it is ended.
    let said = BufReader::new(running.stdout.take().unwrap()).lines();
    let outcomes = said
        .map(Result::unwrap)
        .filter(|line| line.contains(" purchase 1.0"));
    let ids = outcomes
        .take(wanted)
        .map(|line| line.split(' ').nth(1).unwrap().to_owned());
    let ids = ids.collect();
    running.kill().unwrap();
    running.wait().unwrap();
    ids
}
