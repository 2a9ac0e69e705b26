use super::*;

#[test]
fn a_difference_names_every_setting_in_the_words_of_the_file() {
    let before = check(HERO).unwrap();
    let after = check(
        &HERO
            .replace("traffic = 1.0", "traffic = 0.25")
            .replace("window = \"30m\" }\nsecondary", "window = \"1h\" }\nsecondary")
            .replace("\"Save 20 % today\"", "\"Save 30 % today\""),
    )
    .unwrap();
    assert_eq!(
        Difference::between(&before, &after).to_string(),
        "~ hero: a new revision, counted by itself; nobody's draw moves
    variants.bold: \"Save 20 % today\" → \"Save 30 % today\"
    metric: signup within 30m → signup within 1h
    traffic: 1 → 0.25
"
    );
}

#[test]
fn equal_files_do_not_differ_and_a_name_starts_no_revision() {
    let before = check(HERO).unwrap();
    assert_eq!(
        Difference::between(&before, &before).to_string(),
        "Nothing changes."
    );
    let renamed = check(&HERO.replace("Hero headline", "The headline")).unwrap();
    let difference = Difference::between(&before, &renamed);
    assert!(!difference.experiments[0].new_revision);
    assert_eq!(
        serde_json::to_string(&difference).unwrap(),
        r#"{"experiments":[{"key":"hero","kind":"edited","newRevision":false,"changes":[{"setting":"name","before":"\"Hero headline\"","after":"\"The headline\""}]}]}"#
    );
}

#[test]
fn an_added_and_a_removed_experiment_are_told_apart() {
    let hero = check(HERO).unwrap();
    let badge = least_with("policy = { kind = \"fixed\" }").unwrap();
    let text = Difference::between(&hero, &badge).to_string();
    assert!(
        text.starts_with("- hero: ends; its pages get their fallback\n\n+ badge: a new experiment\n"),
        "{text}"
    );
    assert!(text.contains("    policy.weights.off: 0.5\n"), "{text}");
}

/// Writes as editors do: a new file in the place of the old one.
fn save(path: &Path, text: &str) {
    crate::durable::replace(path, text.as_bytes(), crate::durable::PUBLIC).unwrap();
}

#[test]
fn a_broken_edit_is_reported_once_and_the_last_good_experiments_stay() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("experiments.toml");
    save(&path, HERO);
    let mut watcher = Watcher::start(&path, "shop", &[]).unwrap();
    assert!(matches!(watcher.look(&[]), Seen::Same));
    save(&path, &HERO.replace("traffic = 1.0", "traffic = 10"));
    let Seen::Broken(problems) = watcher.look(&[]) else {
        panic!("the edit is broken")
    };
    assert!(
        problems
            .to_string()
            .contains("experiment.hero.traffic = 10 is no share"),
        "{problems}"
    );
    assert!(matches!(watcher.look(&[]), Seen::Same));
    assert_eq!(watcher.experiments().definitions.len(), 1);
    save(&path, &HERO.replace("traffic = 1.0", "traffic = 0.1"));
    let Seen::Changed(experiments) = watcher.look(&[]) else {
        panic!("the edit is good")
    };
    assert_eq!(&experiments, watcher.experiments());
}

#[test]
fn a_file_that_goes_away_ends_no_experiment() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("experiments.toml");
    save(&path, HERO);
    let mut watcher = Watcher::start(&path, "shop", &[]).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(watcher.look(&[]), Seen::Broken(_)));
    assert_eq!(watcher.experiments().definitions.len(), 1);
}

#[test]
fn without_a_file_there_are_no_experiments_until_one_appears() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("experiments.toml");
    let mut watcher = Watcher::start(&path, "shop", &[]).unwrap();
    assert!(watcher.experiments().definitions.is_empty());
    save(&path, HERO);
    assert!(matches!(watcher.look(&[]), Seen::Changed(_)));
}
