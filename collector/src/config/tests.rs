use super::*;

/// The sample of the documentation, as an operator would write it.
const FULL: &str = r#"
site    = "shop"
http    = { listen = "0.0.0.0:8080", prefix = "", allowed_origins = ["https://shop.example"], trusted_proxies = ["10.0.0.0/8"] }
admin   = { listen = "127.0.0.1:8081", token_file = "admin.token" }
log     = { kind = "embedded", path = "data", retention = "28d", max_bytes = "20GB" }
kafka   = { bootstrap_servers = ["b1:9092"], topic_prefix = "tiltwise.", ack = "broker-then-spool", properties = {} }
trainer = { kind = "embedded", lateness = "1h", disorder = "6h" }
privacy = { gpc = "limit" }
"#;

fn check(text: &str) -> Result<Config, Problems> {
    Config::check(Some(Path::new("etc/tiltwise.toml")), text, Vec::new())
}

fn errors(text: &str) -> String {
    check(text).expect_err("the file should be refused").to_string()
}

#[test]
fn the_documented_file_is_accepted_and_its_paths_are_relative_to_it() {
    let config = check(FULL).unwrap();
    assert_eq!(config.site, "shop");
    assert_eq!(config.log.path, Path::new("etc/data"));
    assert_eq!(config.log.max_bytes.bytes(), 20_000_000_000);
    assert_eq!(config.log.retention, Span::from_days(28));
    assert_eq!(config.admin_token_file(), Path::new("etc/admin.token"));
    assert!(config.http.allowed_origins.allow("https://shop.example"));
    assert!(!config.http.allowed_origins.allow("https://shop.example.evil"));
}

#[test]
fn a_trusted_proxy_is_an_address_or_a_network_and_never_everybody() {
    let proxies = |list: &str| format!("http = {{ trusted_proxies = [{list}] }}");
    let config = check(&proxies(r#""10.0.0.0/8", "192.0.2.7", "2001:db8::/32""#)).unwrap();
    let trusted: Vec<String> = config
        .http
        .trusted_proxies
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(trusted, ["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32"]);
    for (wrong, said) in [
        ("proxy.local", "which is no network. Write addresses or networks"),
        ("0.0.0.0/0", "which is everybody. Name the proxies alone"),
        ("::/0", "which is everybody"),
        ("10.0.0.7/8", r#"Write "10.0.0.0/8", or "10.0.0.7""#),
    ] {
        let errors = errors(&proxies(&format!("{wrong:?}")));
        assert!(errors.contains(said), "{errors}");
        assert!(errors.contains("http.trusted_proxies"), "{errors}");
    }
}

#[test]
fn an_empty_file_is_a_whole_configuration() {
    let config = Config::check(None, "", Vec::new()).unwrap();
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.admin_token_file(), Path::new("keys/admin.token"));
    assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()));
}

#[test]
fn all_problems_are_reported_together_with_line_value_and_remedy() {
    let text = r#"
site = "my shop"
[http]
listen = "8080"
alowed_origins = ["https://shop.example"]
prefix = "ab/"
[log]
retention = "28 days"
max_bytes = 20
[trainer]
lateness = 3600
[privcy]
gpc = "limit"
"#;
    assert_eq!(
        errors(text),
        r#"etc/tiltwise.toml:2: site = "my shop" is no site name. Use 1 to 64 letters, digits, dots, hyphens or underscores
etc/tiltwise.toml:4: http.listen = "8080" is no address to listen on. Write an address with a port: "127.0.0.1:8080" (this machine) or "0.0.0.0:8080" (everybody)
etc/tiltwise.toml:6: http.prefix = "ab/" is no path prefix. Write it like "/ab", or "" for none
etc/tiltwise.toml:5: http.alowed_origins is no setting. Did you mean `allowed_origins`?
etc/tiltwise.toml:8: log.retention = "28 days" is no duration. Write a number with ms, s, m, h or d, in quotes: "30m"
etc/tiltwise.toml:9: log.max_bytes = 20 is no size. Write a number with B, kB, MB, GB, TB (or KiB, MiB, GiB, TiB), in quotes: "20GB"
etc/tiltwise.toml:11: trainer.lateness = 3600 is no duration. Write a number with ms, s, m, h or d, in quotes: "30m"
etc/tiltwise.toml:12: privcy is no setting. Did you mean `privacy`?"#
    );
}

#[cfg(not(feature = "kafka"))]
#[test]
fn kafka_and_flink_are_read_but_refused_by_a_build_without_them() {
    assert_eq!(
        errors("log = { kind = \"kafka\" }\ntrainer = { kind = \"flink\" }"),
        r#"etc/tiltwise.toml:1: log.kind = "kafka" cannot be served: this build has no Kafka. Build it with `cargo build --release --package tiltwise-collector --features kafka-tls`, or write kind = "embedded", which keeps the log on this machine
etc/tiltwise.toml:2: trainer.kind = "flink" cannot be served: the Flink job folds, but no collector can fit from its sums yet. Write kind = "embedded", which trains in this process"#
    );
}

#[cfg(feature = "kafka")]
#[test]
fn a_log_in_kafka_needs_a_broker_to_ask() {
    assert_eq!(
        errors("log = { kind = \"kafka\" }"),
        r#"etc/tiltwise.toml: kafka.bootstrap_servers is missing, and log.kind is "kafka". Name one or more brokers: ["broker-1:9092"]"#
    );
}

#[test]
fn every_setting_of_kafka_is_checked_whatever_the_log_is() {
    assert_eq!(
        errors(
            r#"
[kafka]
bootstrap_servers = ["b1:9092", "b2"]
partitions = 12
ack = "spool-then-broker"
collector = "a b"
compression = "gzip"
sasl = { mechanism = "PLAIN", username = "shop" }
tls = { cert_file = "c.pem" }
properties = { "linger.ms" = 5, "acks" = 1, "a" = [1] }
"#
        ),
        r#"etc/tiltwise.toml:3: kafka.bootstrap_servers = ["b1:9092", "b2"] names "b2", which is no broker. Write host and port: "broker-1:9092"
etc/tiltwise.toml:4: kafka.partitions = 12 is no number of partitions. Write a power of two up to 256, and never change it: units are bound to partitions
etc/tiltwise.toml:5: kafka.ack = "spool-then-broker" is not known here. Did you mean "spool"? Known: "broker-then-spool", "broker", "spool"
etc/tiltwise.toml:6: kafka.collector = "a b" is no name. Use 1 to 64 letters, digits, dots, hyphens or underscores
etc/tiltwise.toml:7: kafka.compression = "gzip" is not known here. Known: "zstd", "lz4", "none"
etc/tiltwise.toml:9: kafka.tls.cert_file and key_file belong together. Name both, or neither
etc/tiltwise.toml:8: kafka.sasl.password_file is missing. Name a file that holds the password and nothing else
etc/tiltwise.toml:10: kafka.properties.a = [1] is no property. Write text, a whole number, true or false
etc/tiltwise.toml:10: kafka.properties.acks = 1 cannot be changed: all in-sync replicas are what an acknowledgement promises. Leave it out"#
    );
}

#[test]
fn a_broken_line_is_named_and_nothing_else_is_guessed() {
    assert_eq!(
        errors("site = \"shop\"\nhttp = { listen = \n"),
        "etc/tiltwise.toml:2: this is not TOML: unclosed inline table, expected `}`. Mend this line; what follows it was not checked"
    );
}

#[test]
fn the_public_and_the_admin_listener_need_two_addresses() {
    assert_eq!(
        errors("http = { listen = \"127.0.0.1:9000\" }\nadmin = { listen = \"127.0.0.1:9000\" }"),
        "etc/tiltwise.toml: admin.listen is the public address 127.0.0.1:9000 too. Give the admin listener a port of its own, best on 127.0.0.1"
    );
}

#[test]
fn a_flag_wins_over_a_variable_and_a_variable_over_the_file() {
    let variables = [
        ("TILTWISE_HTTP_LISTEN", "127.0.0.1:2"),
        ("TILTWISE_SITE", "two"),
        ("PATH", "/bin"),
    ];
    let mut overrides =
        overrides::from_environment(variables.map(|(name, text)| (name.to_owned(), text.to_owned())));
    overrides.push(overrides::from_flag("--listen", "http.listen", "127.0.0.1:3"));
    let config = Config::check(
        None,
        "site = \"one\"\nhttp = { listen = \"127.0.0.1:1\" }",
        overrides,
    )
    .unwrap();
    assert_eq!((config.site.as_str(), config.http.listen.port()), ("two", 3));
}

#[test]
fn a_path_from_a_flag_is_relative_to_where_the_command_runs() {
    let flag = overrides::from_flag("--experiments", "experiments", "mine.toml");
    let config = Config::check(
        Some(Path::new("etc/tiltwise.toml")),
        "keys = \"secrets\"",
        vec![flag],
    )
    .unwrap();
    assert_eq!(
        (config.experiments.as_path(), config.keys.as_path()),
        (Path::new("mine.toml"), Path::new("etc/secrets"))
    );
}

#[test]
fn a_list_in_a_variable_is_separated_by_commas() {
    let variables = [(
        "TILTWISE_HTTP_ALLOWED_ORIGINS".to_owned(),
        "https://a.example, https://b.example".to_owned(),
    )];
    let config = Config::check(None, "", overrides::from_environment(variables)).unwrap();
    assert!(config.http.allowed_origins.allow("https://b.example"));
}

#[test]
fn a_wrong_variable_is_named_as_such() {
    let variables = [("TILTWISE_HTTP_LISTN", "x"), ("TILTWISE_LIMITS_STREAMS", "many")];
    let overrides =
        overrides::from_environment(variables.map(|(name, text)| (name.to_owned(), text.to_owned())));
    assert_eq!(
        Config::check(None, "", overrides).unwrap_err().to_string(),
        r#"environment variable TILTWISE_HTTP_LISTN: http.listn is no setting. Did you mean `listen`?
environment variable TILTWISE_LIMITS_STREAMS: limits.streams = "many" is no whole number of at least 0. Write it without quotes, like 500"#
    );
}

#[test]
fn the_example_file_states_every_default() {
    let example = Config::check(None, include_str!("../../tiltwise.example.toml"), Vec::new()).unwrap();
    assert_eq!(format!("{example:?}"), format!("{:?}", Config::default()));
}
