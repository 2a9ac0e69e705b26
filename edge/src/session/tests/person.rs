use crate::session::consent::Answer::{Granted, Pending};
use crate::session::fixtures::{BUTTON, HERO, NOW, fresh, granted, outcome, seen, session};

#[test]
fn a_login_adds_the_account_and_changes_nothing_shown() {
    let mut session = granted();
    let shown = session.choose(HERO, NOW);
    let visitor = session.visitor().unwrap().to_vec();
    assert!(session.identify("customer-17"));
    assert_eq!(session.choose(HERO, NOW).arm, shown.arm);
    assert_eq!(session.visitor().unwrap(), visitor);
    session.track(outcome("signup"), NOW);
    let before = seen(&session.next_batch(NOW, true).unwrap().1);
    let after = seen(&session.next_batch(NOW, true).unwrap().1);
    assert_eq!((before.account.as_str(), before.exposures), ("", 1));
    assert_eq!((after.account.as_str(), after.outcomes), ("customer-17", 1));
    assert_eq!((after.session, after.sequence), (before.session, 1));
}

#[test]
fn an_account_beyond_its_bound_is_refused() {
    assert!(!granted().identify(&"x".repeat(129)));
}

#[test]
fn a_reset_sends_what_was_measured_under_its_own_names_and_then_knows_nobody() {
    let mut session = granted();
    session.identify("customer-17");
    session.choose(BUTTON, NOW);
    let visitor = session.visitor().unwrap().to_vec();
    session.reset(&fresh(9), NOW);
    session.choose(BUTTON, NOW);
    let before = seen(&session.next_batch(NOW, true).unwrap().1);
    let after = seen(&session.next_batch(NOW, true).unwrap().1);
    assert_eq!(
        (before.visitor, before.account.as_str()),
        (visitor, "customer-17")
    );
    assert_eq!(
        (after.visitor.as_slice(), after.account.as_str()),
        (session.visitor().unwrap(), "")
    );
    assert_ne!(before.session, after.session);
    assert_eq!((after.exposures, after.sequence), (1, 0));
}

#[test]
fn a_reset_before_any_consent_erases_what_was_held() {
    let mut session = session(Pending, Pending);
    session.choose(BUTTON, NOW);
    session.reset(&fresh(9), NOW);
    session.set_consent(Granted, Granted, &fresh(8), NOW);
    assert!(session.next_batch(NOW, true).is_none());
}

#[test]
fn an_earlier_visitor_goes_on_with_the_choices_of_before() {
    let mut before = granted();
    let shown = before.choose(HERO, NOW);
    let (id, memory) = (before.visitor().unwrap().to_vec(), before.memory(NOW).unwrap());

    let mut page = granted();
    page.reset(&fresh(7), NOW);
    assert!(page.restore_visitor(&id));
    assert!(page.restore_memory(&memory));
    let again = page.choose(HERO, NOW);
    assert_eq!((again.arm, again.exposed), (shown.arm, false));
}

#[test]
fn a_page_that_has_shown_something_keeps_its_visitor() {
    let mut session = granted();
    let id = session.visitor().unwrap().to_vec();
    session.choose(BUTTON, NOW);
    assert!(!session.restore_visitor(&[3; 18]));
    assert!(!session.restore_visitor(b"not an id"));
    assert_eq!(session.visitor().unwrap(), id);
}

#[test]
fn a_damaged_memory_is_no_memory() {
    let mut session = granted();
    assert!(!session.restore_memory(b"\xff\xff\xff"));
    assert!(session.choose(BUTTON, NOW).exposed);
}
