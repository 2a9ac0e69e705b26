use std::vec;
use std::vec::Vec;

use tiltwise_core::revision::Condition;

use crate::session::consent::Answer::{Denied, Granted, Pending};
use crate::session::fixtures::{
    BUTTON, HERO, NOW, content, content_with, fresh, offer, outcome, seen, session,
};
use crate::session::{Source, Tracked};

#[test]
fn while_pending_arms_are_chosen_and_nothing_may_be_sent_or_stored() {
    let mut session = session(Pending, Pending);
    assert_eq!(session.choose(HERO, NOW).source, Source::Model);
    assert_eq!(session.track(outcome("signup"), NOW), Tracked::Held);
    assert!(session.next_batch(NOW + 1_000_000, true).is_none());
    assert_eq!(session.next_send_at(NOW), None);
    assert_eq!(session.memory(NOW), None);
}

#[test]
fn what_was_held_while_pending_is_sent_once_granted_under_the_same_visitor() {
    let mut session = session(Pending, Pending);
    let visitor = session.visitor().unwrap().to_vec();
    let shown = session.choose(HERO, NOW);
    session.set_consent(Granted, Granted, &fresh(5), NOW);
    let batch = seen(&session.next_batch(NOW, true).unwrap().1);
    assert_eq!((batch.exposures, batch.attributed), (1, 1));
    assert_eq!(batch.visitor, visitor);
    assert_eq!(session.choose(HERO, NOW).arm, shown.arm);
}

#[test]
fn a_denial_shows_the_control_and_erases_what_was_held() {
    let mut session = session(Granted, Granted);
    let visitor = session.visitor().unwrap().to_vec();
    session.choose(HERO, NOW);
    session.track(outcome("signup"), NOW);
    session.next_batch(NOW, true);
    session.set_consent(Denied, Granted, &fresh(5), NOW);
    assert_eq!(
        (session.held(), session.visitor(), session.memory(NOW)),
        (0, None, None)
    );
    let choice = session.choose(HERO, NOW);
    assert_eq!(
        (choice.source, choice.arm, choice.exposed),
        (Source::Consent, Some(0), false)
    );
    assert_eq!(session.track(outcome("signup"), NOW), Tracked::Denied);
    session.set_consent(Granted, Granted, &fresh(6), NOW);
    assert_ne!(session.visitor().unwrap(), visitor);
    assert!(session.next_batch(NOW, true).is_none());
}

#[test]
fn while_personalization_is_pending_only_what_no_attribute_shaped_is_sent() {
    let mut session = session(Granted, Pending);
    session.choose(HERO, NOW);
    session.choose(BUTTON, NOW);
    let batch = seen(&session.next_batch(NOW, true).unwrap().1);
    assert_eq!(
        (batch.exposures, batch.attributed, batch.unpersonalized),
        (1, 0, true)
    );
    assert!(session.next_batch(NOW, true).is_none());
    session.set_consent(Granted, Granted, &fresh(5), NOW);
    let batch = seen(&session.next_batch(NOW, true).unwrap().1);
    assert_eq!((batch.attributed, batch.unpersonalized), (1, false));
}

#[test]
fn without_personalization_no_attribute_is_read_or_sent() {
    let mut session = session(Granted, Denied);
    session.choose(HERO, NOW);
    let batch = seen(&session.next_batch(NOW, true).unwrap().1);
    assert_eq!(
        (batch.exposures, batch.attributed, batch.unpersonalized),
        (1, 0, true)
    );
}

#[test]
fn that_somebody_is_eligible_is_told_only_where_attributes_may_be() {
    let targeted = content_with(|c| {
        c.experiments[BUTTON].revision.when = Condition::None(vec![Condition::Any(Vec::new())]);
    });
    for (personalization, sent) in [(Granted, 1), (Pending, 0), (Denied, 1)] {
        let mut session = session(Granted, personalization);
        session.offer(offer(2, &targeted), NOW).unwrap();
        assert!(session.choose(BUTTON, NOW).exposed);
        let exposures = session
            .next_batch(NOW, true)
            .map_or(0, |(_, b)| seen(&b).exposures);
        assert_eq!(exposures, sent, "{personalization:?}");
    }
}

#[test]
fn a_withdrawal_of_personalization_drops_what_attributes_shaped_and_keeps_what_is_shown() {
    let mut session = session(Granted, Granted);
    let shown = session.choose(HERO, NOW);
    session.track(outcome("signup"), NOW);
    session.set_consent(Granted, Denied, &fresh(5), NOW);
    let batch = seen(&session.next_batch(NOW, true).unwrap().1);
    assert_eq!((batch.exposures, batch.outcomes), (0, 1));
    assert_eq!(session.choose(HERO, NOW).arm, shown.arm);
}

#[test]
fn of_a_batch_that_may_have_arrived_nothing_is_taken_out() {
    let mut session = session(Granted, Granted);
    session.choose(HERO, NOW);
    session.track(outcome("signup"), NOW);
    let (ticket, _) = session.next_batch(NOW, true).unwrap();
    session.set_consent(Granted, Denied, &fresh(5), NOW);
    session.failed(ticket, NOW, 0);
    assert_eq!(session.held(), 0);
    session.track(outcome("purchase"), NOW);
    let batch = seen(&session.next_batch(NOW, true).unwrap().1);
    assert_eq!((batch.sequence, batch.dropped), (1, 2));
}

#[test]
fn what_is_stored_names_attributes_only_where_personalization_is_granted() {
    let stored = |personalization| {
        let mut session = session(Granted, personalization);
        session.choose(HERO, NOW);
        session.memory(NOW).unwrap()
    };
    assert!(stored(Granted).len() > stored(Pending).len());
}

#[test]
fn global_privacy_control_denies_personalization_where_the_site_lets_it() {
    let mut session = session(Granted, Granted);
    session.set_gpc(true);
    session.choose(HERO, NOW);
    assert_eq!(seen(&session.next_batch(NOW, true).unwrap().1).attributed, 0);

    let lax = content_with(|c| c.gpc_limits = false);
    session.reset(&fresh(5), NOW);
    session.offer(offer(2, &lax), NOW).unwrap();
    session.choose(HERO, NOW);
    assert_eq!(seen(&session.next_batch(NOW, true).unwrap().1).attributed, 1);

    session.offer(offer(3, &content()), NOW).unwrap();
    session.reset(&fresh(6), NOW);
    session.choose(HERO, NOW);
    assert_eq!(seen(&session.next_batch(NOW, true).unwrap().1).attributed, 0);
}
