use std::vec;

use tiltwise_core::snapshot::Phase;

use crate::session::consent::Answer::{Denied, Granted, Pending};
use crate::session::fixtures::{
    BADGE, BUTTON, HERO, NOW, PLAN, content, content_with, fresh, granted, limits, offer, seen, session,
};
use crate::session::{Choice, Refusal, Session, Source};

const DAY: u64 = 86_400_000;

#[test]
fn without_a_snapshot_every_choice_is_the_fallback() {
    let mut session = Session::new(&fresh(1), NOW, limits());
    assert_eq!(session.choose(BUTTON, NOW), Choice::default());
    assert_eq!(session.find("button"), None);
}

#[test]
fn a_choice_is_exposed_once_and_then_remembered() {
    let mut session = granted();
    let first = session.choose(HERO, NOW);
    assert_eq!((first.source, first.exposed), (Source::Model, true));
    let again = session.choose(HERO, NOW + 1);
    assert_eq!(
        again,
        Choice {
            source: Source::Sticky,
            exposed: false,
            ..first
        }
    );
    assert_eq!(seen(&session.next_batch(NOW, true).unwrap().1).exposures, 1);
}

#[test]
fn after_its_thirty_days_a_choice_is_made_and_exposed_anew() {
    let mut session = granted();
    session.choose(BUTTON, NOW);
    assert!(!session.choose(BUTTON, NOW + 30 * DAY - 1).exposed);
    assert!(session.choose(BUTTON, NOW + 30 * DAY).exposed);
}

#[test]
fn a_choice_that_holds_for_a_session_ends_with_its_tag() {
    let mut session = granted();
    session.choose(BADGE, NOW);
    assert!(!session.choose(BADGE, NOW + 90 * DAY).exposed);
    let memory = session.memory(NOW).unwrap();
    let mut next = granted();
    next.restore_visitor(session.visitor().unwrap());
    next.restore_tag(99);
    next.restore_memory(&memory);
    assert!(next.choose(BADGE, NOW).exposed);
}

#[test]
fn new_weights_never_change_what_is_shown() {
    let mut session = granted();
    let shown = session.choose(BUTTON, NOW);
    let one = content_with(|c| {
        let arms = &mut c.experiments[BUTTON].revision.policy.weights_q30;
        *arms = vec![0, 0];
        arms[1 - shown.arm.unwrap() as usize] = 1 << 30;
    });
    session.offer(offer(2, &one), NOW).unwrap();
    let still = session.choose(BUTTON, NOW);
    assert_eq!(
        (still.arm, still.model, still.source),
        (shown.arm, 1, Source::Sticky)
    );
    session.reset(&fresh(9), NOW);
    let next = session.choose(BUTTON, NOW);
    assert_ne!(next.arm, shown.arm);
    assert_eq!(next.model, 2);
}

#[test]
fn an_arm_that_was_stopped_is_not_shown_any_longer() {
    let mut session = granted();
    let shown = session.choose(BUTTON, NOW).arm.unwrap();
    let stopped = content_with(|c| c.experiments[BUTTON].stopped = vec![shown == 0, shown == 1]);
    session.offer(offer(2, &stopped), NOW).unwrap();
    assert_eq!(session.choose(BUTTON, NOW).arm, Some(1 - shown));
}

#[test]
fn paused_and_decided_experiments_show_one_arm_to_everybody_and_expose_nothing() {
    for (phase, arm) in [(Phase::Paused, 0), (Phase::Decided { winner: 1 }, 1)] {
        let mut session = granted();
        session.choose(BUTTON, NOW);
        let laid_over = content_with(|c| c.experiments[BUTTON].phase = phase);
        session.offer(offer(2, &laid_over), NOW).unwrap();
        let choice = session.choose(BUTTON, NOW);
        assert_eq!(
            (choice.source, choice.arm, choice.exposed),
            (Source::Ineligible, Some(arm), false)
        );
    }
}

#[test]
fn an_experiment_about_accounts_waits_for_a_login() {
    let mut session = granted();
    assert_eq!(session.choose(PLAN, NOW).source, Source::Ineligible);
    assert!(session.identify("customer-17"));
    assert_eq!(session.choose(PLAN, NOW).source, Source::Model);
}

#[test]
fn an_override_is_shown_and_told_once_with_its_flag() {
    let mut session = granted();
    session.force("button", Some("b"));
    assert!(session.choose(BUTTON, NOW).exposed);
    let again = session.choose(BUTTON, NOW);
    assert_eq!(
        (again.source, again.arm, again.exposed),
        (Source::Override, Some(1), false)
    );
    session.force("button", Some("no such variant"));
    assert_eq!(session.choose(BUTTON, NOW).source, Source::Model);
}

#[test]
fn an_override_without_consent_is_shown_and_not_told() {
    let mut session = session(Denied, Denied);
    session.force("button", Some("b"));
    let choice = session.choose(BUTTON, NOW);
    assert_eq!((choice.arm, choice.exposed, session.held()), (Some(1), false, 0));
}

#[test]
fn only_a_newer_snapshot_that_has_not_expired_is_taken_and_one_in_use_never_expires() {
    let mut session = session(Pending, Pending);
    let content = content();
    assert_eq!(session.offer(offer(1, &content), NOW), Err(Refusal::NotNewer));
    assert_eq!(
        session.offer(offer(2, &content), NOW + 7 * DAY),
        Err(Refusal::Expired)
    );
    assert_eq!(session.version(), 1);
    assert_eq!(session.choose(BUTTON, NOW + 8 * DAY).source, Source::Model);
    let mut other = offer(2, &content);
    other.site = "another";
    assert_eq!(session.offer(other, NOW), Err(Refusal::Site));
    assert_eq!(
        session.offer(offer(2, b"\x00garbage"), NOW),
        Err(Refusal::Unreadable)
    );
    session.offer(offer(2, &content), NOW).unwrap();
}

#[test]
fn a_changed_context_is_for_the_next_choice() {
    let mut session = session(Granted, Granted);
    let before = session.choose(HERO, NOW);
    session.unset_context("device");
    assert_eq!(session.choose(HERO, NOW).arm, before.arm);
}
