use std::fs::OpenOptions;
use std::io::Write;

use tiltwise_core::snapshot::Phase;

use super::*;

fn action(verb: Verb, variant: Option<&str>) -> Action {
    Action {
        at_ms: 1_000,
        author: "ada".into(),
        action: verb,
        experiment: "hero".into(),
        variant: variant.map(str::to_owned),
        version: None,
        lifts: None,
        reason: None,
    }
}

fn phase_after(actions: &[Action]) -> Phase {
    check(HERO).unwrap().under(actions).remove(0).phase
}

#[test]
fn a_pause_holds_until_it_is_resumed() {
    let (pause, resume) = (action(Verb::Pause, None), action(Verb::Resume, None));
    assert_eq!(phase_after(&[]), Phase::Running);
    assert_eq!(phase_after(std::slice::from_ref(&pause)), Phase::Paused);
    assert_eq!(phase_after(&[pause, resume]), Phase::Running);
}

#[test]
fn an_edit_moves_a_winner_with_its_key() {
    let actions = [action(Verb::DeclareWinner, Some("bold"))];
    assert_eq!(phase_after(&actions), Phase::Decided { winner: 1 });
    let reordered = HERO.replace(
        r#"[{ key = "calm", value = "Welcome" }, { key = "bold", value = "Save 20 % today" }]"#,
        r#"[{ key = "bold", value = "Save 20 % today" }, { key = "calm", value = "Welcome" }]"#,
    );
    assert_eq!(
        check(&reordered).unwrap().under(&actions).remove(0).phase,
        Phase::Decided { winner: 0 }
    );
}

#[test]
fn an_edit_that_drops_the_declared_winner_is_refused_until_it_is_lifted() {
    let edited = check(&HERO.replace("key = \"bold\"", "key = \"loud\"")).unwrap();
    let mut actions = vec![action(Verb::DeclareWinner, Some("bold"))];
    assert_eq!(
        edited.check_edit(&actions).unwrap_err().to_string(),
        "experiments.toml:2: experiment.hero.variants leaves out \"bold\", which was declared the winner and is what everybody gets. Put it back, or lift the decision first"
    );
    actions.push(Action {
        lifts: Some(Verb::DeclareWinner),
        ..action(Verb::Lift, None)
    });
    edited.check_edit(&actions).unwrap();
}

#[test]
fn a_stopped_variant_is_marked_and_the_last_one_cannot_be_stopped() {
    let experiments = check(HERO).unwrap();
    let stop_bold = action(Verb::StopVariant, Some("bold"));
    experiments.check_action(&[], &stop_bold).unwrap();
    assert_eq!(
        experiments.under(std::slice::from_ref(&stop_bold))[0].stopped,
        [false, true]
    );
    let error = experiments
        .check_action(
            std::slice::from_ref(&stop_bold),
            &action(Verb::StopVariant, Some("calm")),
        )
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "this is the last variant that is shown. Pause the experiment instead"
    );
    let start = action(Verb::StartVariant, Some("bold"));
    assert!(experiments.under(&[stop_bold, start])[0].stopped.is_empty());
}

#[test]
fn a_lift_without_a_name_ends_everything_that_holds() {
    let actions = [
        action(Verb::Freeze, None),
        Action {
            version: Some(7),
            ..action(Verb::RollBack, None)
        },
        action(Verb::StopVariant, Some("bold")),
    ];
    let standing = Standing::of(&actions, "hero");
    assert_eq!((standing.frozen, standing.rolled_back_to), (true, Some(7)));
    let mut lifted = actions.to_vec();
    lifted.push(action(Verb::Lift, None));
    assert_eq!(Standing::of(&lifted, "hero"), Standing::default());
}

#[test]
fn an_action_on_what_does_not_exist_is_refused_with_what_does() {
    let experiments = check(HERO).unwrap();
    let error = experiments
        .check_action(&[], &action(Verb::StopVariant, Some("bald")))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "\"bald\" is no variant of \"hero\". Did you mean \"bold\"?"
    );
    let elsewhere = Action {
        experiment: "nero".into(),
        ..action(Verb::Pause, None)
    };
    assert!(experiments.check_action(&[], &elsewhere).is_err());
    assert!(
        experiments
            .check_action(&[], &action(Verb::DeclareWinner, None))
            .is_err()
    );
}

#[test]
fn actions_outlive_the_process_and_a_torn_last_line_is_dropped() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("actions.jsonl");
    let (first, second) = (action(Verb::Pause, None), action(Verb::Resume, None));
    FileActions::open(&path).unwrap().append(&first, 0).unwrap();
    OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap()
        .write_all(b"{\"atMs\":5,\"auth")
        .unwrap();
    let store = FileActions::open(&path).unwrap();
    assert_eq!(store.all(), std::slice::from_ref(&first));
    assert!(
        matches!(store.append(&second, 0), Err(ActionError::Overtaken(_))),
        "the first has come since"
    );
    store.append(&second, 1).unwrap();
    assert_eq!(FileActions::open(&path).unwrap().all(), [first, second]);
}

#[test]
fn a_damaged_action_is_named_and_not_skipped() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("actions.jsonl");
    std::fs::write(&path, "{\"atMs\":5}\n").unwrap();
    let error = FileActions::open(&path).unwrap_err().to_string();
    assert!(error.contains("actions.jsonl:1: this is no action"), "{error}");
}

#[test]
fn published_revisions_outlive_the_process_and_a_flipped_byte_is_found() {
    let folder = tempfile::TempDir::new().unwrap();
    let revision = one(HERO);
    let id = Revisions::open(folder.path()).unwrap().keep(&revision).unwrap();
    let again = Revisions::open(folder.path()).unwrap();
    assert_eq!(*again.get(id).unwrap(), revision);
    assert_eq!(again.all().len(), 1);
    let path = folder.path().join(format!("{:016x}.revision", id.0));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[20] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let error = Revisions::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("does not have the hash"), "{error}");
}
