//! What goes wrong with Kafka, in words, with what to do about it.

use std::{fmt, io, path::Path};

use rdkafka::{error::KafkaError, types::RDKafkaErrorCode as Code};

/// Something that went wrong: what, and the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub what: String,
    pub remedy: &'static str,
    pub kind: Kind,
}

/// What it means for the record or the question that met it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It passes by itself.
    Passing,
    /// It stays until a person has done something, and then the same works.
    Standing,
    /// This record will never be taken, whatever happens.
    Never,
    /// Another has taken the right to write.
    Fenced,
}

impl Trouble {
    pub(super) fn file(path: &Path, error: &io::Error) -> Self {
        Self {
            what: format!("{}: {error}", path.display()),
            remedy: "Name a file that this collector may read",
            kind: Kind::Standing,
        }
    }

    pub fn no_topic(topic: &str) -> Self {
        Self {
            what: format!("the topic {topic} does not exist"),
            remedy: "`tiltwise topics create` makes the topics; none is ever made silently",
            kind: Kind::Standing,
        }
    }

    pub fn other_partitions(topic: &str, found: usize, wanted: usize) -> Self {
        Self {
            what: format!("the topic {topic} has {found} partitions, and kafka.partitions is {wanted}"),
            remedy: "Units are bound to partitions, so the number is fixed when a topic is made: correct kafka.partitions, or \
                     use another kafka.topic_prefix",
            kind: Kind::Standing,
        }
    }

    pub fn silent(topic: &str) -> Self {
        Self {
            what: format!("a partition of {topic} gives nothing to read"),
            remedy: "Does every partition have a leader? Kafka's own tools say so: kafka-topics --describe",
            kind: Kind::Passing,
        }
    }

    pub(super) fn of(error: &KafkaError, topic: &str, servers: &str) -> Self {
        let code = error.rdkafka_error_code();
        let (kind, what, remedy) = match code {
            Some(
                Code::BrokerTransportFailure
                | Code::AllBrokersDown
                | Code::OperationTimedOut
                | Code::MessageTimedOut
                | Code::Resolve
                | Code::RequestTimedOut,
            ) => (
                Kind::Passing,
                format!("no broker answers at {servers}"),
                "Is Kafka running, is kafka.bootstrap_servers right, does a firewall let this machine through, and does the \
                 listener speak what kafka.tls and kafka.sasl say (one that demands TLS hangs up on those without)?",
            ),
            Some(Code::SSL) => (
                Kind::Standing,
                format!("TLS with {servers} fails: {error}"),
                "Does kafka.tls.ca_file hold the certificate that signed the brokers', and do their names stand in theirs?",
            ),
            Some(Code::Authentication | Code::SaslAuthenticationFailed) => (
                Kind::Standing,
                format!("{servers} refuses who this collector says it is"),
                "Check kafka.sasl: mechanism, username and the password in password_file",
            ),
            Some(Code::UnsupportedSASLMechanism) => (
                Kind::Standing,
                format!("{servers} does not know this SASL mechanism"),
                "Write one in kafka.sasl.mechanism that the listener has",
            ),
            Some(Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition) => (
                Kind::Standing,
                format!("the topic {topic} does not exist, or has fewer partitions than kafka.partitions"),
                "`tiltwise topics create` makes the topics; `tiltwise topics check` compares them with the collector file",
            ),
            Some(
                Code::TopicAuthorizationFailed
                | Code::ClusterAuthorizationFailed
                | Code::GroupAuthorizationFailed
                | Code::TransactionalIdAuthorizationFailed,
            ) => (
                Kind::Standing,
                format!("this collector may not do this with {topic}"),
                "`tiltwise topics acls` prints what it must be allowed",
            ),
            Some(
                Code::Fenced
                | Code::ProducerFenced
                | Code::InvalidProducerEpoch
                | Code::TransactionCoordinatorFenced,
            ) => (
                Kind::Fenced,
                "another collector leads now, and Kafka takes nothing from this one as its leader".to_owned(),
                "Nothing has to be done: it stands by",
            ),
            Some(Code::NotEnoughReplicas | Code::NotEnoughReplicasAfterAppend) => (
                Kind::Passing,
                format!("too few replicas of {topic} are in sync"),
                "Bring the missing brokers back, or lower the topic's min.insync.replicas",
            ),
            Some(Code::CoordinatorNotAvailable | Code::CoordinatorLoadInProgress) => (
                Kind::Passing,
                "no broker looks after transactions at present".to_owned(),
                "Is the cluster's transaction.state.log.replication.factor above the number of its brokers?",
            ),
            Some(Code::KafkaStorageError) => (
                Kind::Passing,
                format!("a broker cannot write {topic} to its disk, which is full or fails"),
                "Free or mend it (the broker's own log names the folder), and start that broker again",
            ),
            Some(Code::InvalidReplicationFactor) => (
                Kind::Standing,
                "the cluster has fewer brokers than kafka.replication".to_owned(),
                "Lower kafka.replication, or add brokers",
            ),
            Some(Code::MessageSizeTooLarge) => (
                Kind::Never,
                format!("{topic} takes no record of this size"),
                "Raise the topic's max.message.bytes to 1000000",
            ),
            Some(Code::InvalidTimestamp) => (
                Kind::Never,
                format!("{topic} refuses the time on this record"),
                "Set this machine's clock right, or raise the topic's message.timestamp.after.max.ms",
            ),
            Some(Code::InvalidMessage | Code::InvalidRecord | Code::InvalidMessageSize) => (
                Kind::Never,
                format!("{topic} refuses the record: {error}"),
                "The broker's own log says why; no setting of ours makes such records",
            ),
            _ => (
                Kind::Standing,
                match error {
                    KafkaError::ClientConfig(_, what, name, value) => {
                        format!("librdkafka refuses {name} = {value:?}: {what}")
                    }
                    other => format!("Kafka says: {other}"),
                },
                "Look into the broker's log, and at kafka.properties",
            ),
        };
        Self { what, remedy, kind }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}. {}", self.what, self.remedy)
    }
}
