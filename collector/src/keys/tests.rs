use std::fs::Permissions;

use tempfile::TempDir;
use tiltwise_core::id::{Visitor, WEEK_MS};
use tiltwise_core::snapshot::SealedSnapshot;

use super::mac::Mac;
use super::secret::Secret;
use super::servers::Kind;
use super::*;

const LIFETIME_MS: u64 = 395 * 86_400_000;
/// The middle of week 2951, in 2026.
const NOW_MS: u64 = 2951 * WEEK_MS + WEEK_MS / 2;

struct Fixture {
    folder: TempDir,
}

impl Fixture {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let fixture = Self { folder };
        Keys::init(&fixture.keys(), &fixture.token()).unwrap();
        fixture
    }

    fn keys(&self) -> PathBuf {
        self.folder.path().join("keys")
    }

    fn token(&self) -> PathBuf {
        self.keys().join("admin.token")
    }

    fn open(&self) -> Result<Keys, KeysError> {
        Keys::open(&self.keys(), &self.token(), LIFETIME_MS)
    }
}

fn visitor(week: u16) -> Visitor {
    let mut id = [0; 18];
    id[..2].copy_from_slice(&week.to_be_bytes());
    for (index, byte) in id[2..].iter_mut().enumerate() {
        *byte = u8::try_from(index).unwrap();
    }
    Visitor(id)
}

#[test]
fn pseudonyms_event_ids_and_masks_are_those_of_an_independent_hmac() {
    let under = |byte: u8| Mac::new(&Secret::known([byte; 32]));
    assert_eq!(
        hex::encode(under(7).of("tiltwise-visitor-1", &[&visitor(2951).0])),
        "c1225c9ab90faacbc5be01a5374cc71e"
    );
    assert_eq!(
        hex::encode(under(8).of("tiltwise-account-1", &[b"ada@example"])),
        "37d9a82a61a1b62be6cf4555d894b48f"
    );
    assert_eq!(
        hex::encode(under(9).of("tiltwise-event-1", &[b"ab", b"c"])),
        "66028eddd0b5755deb13123aa377d7f6"
    );
    assert_eq!(
        hex::encode(under(9).of("tiltwise-event-1", &[b"a", b"bc"])),
        "6e7c7b25e995bd8c82d2c83ee2086f22"
    );
}

#[test]
fn a_signature_is_the_one_that_an_independent_library_makes() {
    let signer = Signer::known([3; 32]);
    let (key_id, signature) = signer.sign("shop", (1 << 32) + 7, 2_000, 1_000, &[5; 32]);
    assert_eq!(
        hex::encode(signer.public_keys()[0]),
        "ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d1"
    );
    assert_eq!(hex::encode(key_id), "b62e867fa2f33afe");
    assert_eq!(
        hex::encode(signature),
        "be12e3c3db7f9c883b374e904534b897fd52c1356429ac406571eb97d9176a0b35167ceddebcfc868b3b2902b5a7ce3fcc78c72c8452bc8c76c41171f382ab06"
    );
}

#[test]
fn a_signature_holds_for_its_envelope_and_no_other() {
    let signer = Signer::known([3; 32]);
    let (key_id, signature) = signer.sign("shop", 7, 2_000, 1_000, &[5; 32]);
    let envelope = SealedSnapshot {
        site: "shop".into(),
        version: 7,
        expires_ms: 2_000,
        published_ms: 1_000,
        hash: [5; 32],
        key_id,
        signature: signature.to_vec(),
        ..SealedSnapshot::default()
    };
    let public = signer.public_keys()[0];
    assert!(signing::verify(&public, &envelope));
    assert!(!signing::verify(
        &public,
        &SealedSnapshot {
            version: 8,
            ..envelope.clone()
        }
    ));
    assert!(!signing::verify(
        &public,
        &SealedSnapshot {
            site: "shop2".into(),
            ..envelope.clone()
        }
    ));
    assert!(!signing::verify(
        &Signer::known([4; 32]).public_keys()[0],
        &envelope
    ));
}

#[test]
fn a_new_folder_is_closed_and_opens() {
    let fixture = Fixture::new();
    fixture.open().unwrap();
    for (name, mode) in [
        ("", 0o700),
        ("signing.key", 0o600),
        ("account.key", 0o600),
        ("servers.json", 0o600),
    ] {
        let metadata = std::fs::metadata(fixture.keys().join(name)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, mode, "{name}");
    }
}

#[test]
fn making_keys_twice_is_refused_and_changes_nothing() {
    let fixture = Fixture::new();
    let before = std::fs::read(fixture.keys().join("signing.key")).unwrap();
    let error = Keys::init(&fixture.keys(), &fixture.token()).unwrap_err();
    assert!(matches!(error, KeysError::Exists(_)), "{error}");
    assert_eq!(std::fs::read(fixture.keys().join("signing.key")).unwrap(), before);
}

#[test]
fn a_lost_admin_token_alone_is_made_again() {
    let fixture = Fixture::new();
    std::fs::remove_file(fixture.token()).unwrap();
    assert!(
        fixture
            .open()
            .unwrap_err()
            .to_string()
            .contains("`tiltwise keys init`")
    );
    Keys::init(&fixture.keys(), &fixture.token()).unwrap();
    fixture.open().unwrap();
}

#[test]
fn a_secret_that_others_can_read_is_refused_with_the_command_that_closes_it() {
    let fixture = Fixture::new();
    let path = fixture.keys().join("account.key");
    std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let error = fixture.open().unwrap_err().to_string();
    assert!(
        error.ends_with(&format!("Close it with `chmod 600 {}`", path.display())),
        "{error}"
    );
}

#[test]
fn a_visitor_keeps_its_pseudonym_over_a_restart() {
    let fixture = Fixture::new();
    let first = fixture
        .open()
        .unwrap()
        .pseudonyms
        .visitor(&visitor(2951), NOW_MS)
        .unwrap();
    assert_eq!(
        fixture
            .open()
            .unwrap()
            .pseudonyms
            .visitor(&visitor(2951), NOW_MS)
            .unwrap(),
        first
    );
}

#[test]
fn visitors_of_different_weeks_are_under_different_keys() {
    let fixture = Fixture::new();
    let keys = fixture.open().unwrap();
    keys.pseudonyms.visitor(&visitor(2950), NOW_MS).unwrap();
    keys.pseudonyms.visitor(&visitor(2951), NOW_MS).unwrap();
    let read = |week: u16| std::fs::read(fixture.keys().join(format!("weeks/{week}.key"))).unwrap();
    assert_ne!(read(2950), read(2951));
}

#[test]
fn a_visitor_of_next_week_is_known_and_one_of_the_week_after_is_refused() {
    let keys = Fixture::new().open().unwrap();
    assert!(matches!(
        keys.pseudonyms.visitor(&visitor(2953), NOW_MS),
        Err(PseudonymError::FromTheFuture { week: 2953 })
    ));
}

#[test]
fn a_visitor_older_than_the_lifetime_is_refused() {
    let fixture = Fixture::new();
    let keys = fixture.open().unwrap();
    assert!(matches!(
        keys.pseudonyms.visitor(&visitor(2890), NOW_MS),
        Err(PseudonymError::TooOld { week: 2890 })
    ));
    assert!(keys.pseudonyms.visitor(&visitor(2952), NOW_MS).is_ok());
}

#[test]
fn a_forgotten_week_is_refused_in_this_process_the_next_and_one_that_runs_beside() {
    let fixture = Fixture::new();
    let (here, beside) = (fixture.open().unwrap(), fixture.open().unwrap());
    here.pseudonyms.visitor(&visitor(2951), NOW_MS).unwrap();
    beside.pseudonyms.visitor(&visitor(2951), NOW_MS).unwrap();
    assert!(here.pseudonyms.forget(2951).unwrap());
    beside.refresh(NOW_MS).unwrap();
    assert!(!fixture.keys().join("weeks/2951.key").exists());
    for keys in [here, beside, fixture.open().unwrap()] {
        let answer = keys.pseudonyms.visitor(&visitor(2951), NOW_MS);
        assert!(matches!(answer, Err(PseudonymError::Forgotten { week: 2951 })));
    }
}

#[test]
fn a_week_is_forgotten_by_itself_when_its_lifetime_is_over() {
    let fixture = Fixture::new();
    let keys = fixture.open().unwrap();
    keys.pseudonyms.visitor(&visitor(2951), NOW_MS).unwrap();
    keys.refresh(NOW_MS + LIFETIME_MS + WEEK_MS).unwrap();
    assert_eq!(keys.pseudonyms.known().count(), 0);
    assert!(!fixture.keys().join("weeks/2951.key").exists());
}

#[test]
fn a_mask_has_thirty_bits_and_depends_on_the_event_alone() {
    let keys = Fixture::new().open().unwrap();
    let batch = keys.pseudonyms.batch_id(&[7; 16], 1);
    let named = keys.pseudonyms.event_id(&[b"named"]);
    let ids: Vec<_> = (0..20).map(|index| batch.event(index)).chain([named]).collect();
    let mut masks = keys.pseudonyms.masks();
    let in_order: Vec<u32> = ids.iter().map(|id| masks.of(id)).collect();
    assert!(in_order.iter().all(|mask| *mask < 1 << 30));
    let different: std::collections::BTreeSet<_> = in_order.iter().collect();
    assert_eq!(different.len(), ids.len());
    for (id, mask) in ids.iter().zip(in_order).rev() {
        assert_eq!(
            keys.pseudonyms.masks().of(id),
            mask,
            "whatever was masked before it"
        );
    }
}

#[test]
fn events_of_different_places_batches_and_sessions_have_different_ids() {
    let keys = Fixture::new().open().unwrap();
    let mut ids = std::collections::BTreeSet::new();
    for (session, sequence) in [([7; 16], 1), ([7; 16], 2), ([8; 16], 1)] {
        let batch = keys.pseudonyms.batch_id(&session, sequence);
        assert_eq!(batch, keys.pseudonyms.batch_id(&session, sequence));
        assert!(ids.insert(batch.key));
        for index in [0, 1, 499] {
            assert!(ids.insert(batch.event(index)));
        }
    }
}

#[test]
fn a_server_key_counts_until_it_is_revoked() {
    let fixture = Fixture::new();
    let (here, beside) = (fixture.open().unwrap(), fixture.open().unwrap());
    let key = here.servers.add("checkout", Kind::Server, NOW_MS).unwrap();
    assert_eq!(here.servers.check(&key).unwrap().name, "checkout");
    beside.refresh(NOW_MS).unwrap();
    assert_eq!(beside.servers.check(&key).unwrap().kind, Kind::Server);
    assert!(here.servers.check("tws_wrong").is_none());
    here.servers.revoke("checkout").unwrap();
    beside.refresh(NOW_MS).unwrap();
    assert!(here.servers.check(&key).is_none() && beside.servers.check(&key).is_none());
}

#[test]
fn a_server_key_itself_is_written_nowhere() {
    let fixture = Fixture::new();
    let keys = fixture.open().unwrap();
    let key = keys.servers.add("checkout", Kind::Server, NOW_MS).unwrap();
    let file = std::fs::read_to_string(fixture.keys().join("servers.json")).unwrap();
    assert!(!file.contains(key.as_str()) && !file.contains(&key[4..]));
    assert!(matches!(
        keys.servers.add("checkout", Kind::Worker, NOW_MS),
        Err(KeysError::Refused { .. })
    ));
}

#[test]
fn a_rotation_lists_both_public_keys_before_and_after_the_switch() {
    let fixture = Fixture::new();
    let first = fixture.open().unwrap().signer.public_keys();
    let next = signing::prepare(&fixture.keys()).unwrap();
    assert_eq!(fixture.open().unwrap().signer.public_keys(), [first[0], next]);
    assert!(signing::prepare(&fixture.keys()).is_err());
    assert_eq!(signing::switch(&fixture.keys()).unwrap(), next);
    assert_eq!(fixture.open().unwrap().signer.public_keys(), [next, first[0]]);
    assert!(signing::switch(&fixture.keys()).is_err());
}

#[test]
fn no_secret_is_shown_by_debug() {
    let fixture = Fixture::new();
    let keys = fixture.open().unwrap();
    keys.pseudonyms.visitor(&visitor(2951), NOW_MS).unwrap();
    let shown = format!("{keys:?}");
    assert!(!shown.contains(keys.admin.expose()));
    for file in ["signing.key", "account.key", "ids.key", "weeks/2951.key"] {
        let secret = std::fs::read_to_string(fixture.keys().join(file)).unwrap();
        assert!(!shown.contains(secret.trim()), "{file}");
    }
}

#[test]
fn only_the_whole_admin_token_matches() {
    let keys = Fixture::new().open().unwrap();
    let token = keys.admin.expose().to_owned();
    assert!(keys.admin.matches(&token));
    assert!(!keys.admin.matches(&token[1..]) && !keys.admin.matches(""));
}
