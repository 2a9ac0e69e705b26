use std::vec::Vec;

use crate::session::fixtures::{BUTTON, NOW, granted, outcome, seen};
use crate::session::{Session, Tracked};

fn track(session: &mut Session, times: usize) {
    for _ in 0..times {
        session.track(outcome("signup"), NOW);
    }
}

#[test]
fn the_buffer_is_bounded_and_what_it_drops_is_told_in_the_next_batch() {
    let mut session = granted();
    track(&mut session, 1_000);
    assert_eq!(session.track(outcome("signup"), NOW), Tracked::Full);
    assert_eq!(session.track(outcome("signup"), NOW), Tracked::Full);
    assert_eq!(session.held(), 1_000);
    let (ticket, first) = session.next_batch(NOW, true).unwrap();
    assert_eq!(seen(&first).dropped, 2);
    assert_eq!(seen(&session.next_batch(NOW, true).unwrap().1).dropped, 0);
    session.failed(ticket, NOW, 0);
    assert_eq!(seen(&session.next_batch(NOW, true).unwrap().1).dropped, 2);
}

#[test]
fn a_batch_has_at_most_500_events_and_60_kilobytes() {
    let mut session = granted();
    track(&mut session, 600);
    let (_, first) = session.next_batch(NOW, true).unwrap();
    assert_eq!(seen(&first).outcomes, 500);
    assert_eq!(seen(&session.next_batch(NOW, true).unwrap().1).outcomes, 100);

    let mut session = granted();
    let id = "x".repeat(128);
    for _ in 0..900 {
        let mut wide = outcome("signup");
        wide.id = &id;
        session.track(wide, NOW);
    }
    while let Some((_, bytes)) = session.next_batch(NOW, true) {
        assert!(bytes.len() <= 60_000, "{}", bytes.len());
    }
}

#[test]
fn an_event_waits_for_others_but_not_for_long() {
    let mut session = granted();
    assert_eq!(session.next_send_at(NOW), None);
    track(&mut session, 1);
    assert_eq!(session.next_send_at(NOW), Some(NOW + 200));
    assert!(session.next_batch(NOW + 199, false).is_none());
    track(&mut session, 49);
    assert_eq!(session.next_send_at(NOW), Some(NOW));
    assert_eq!(seen(&session.next_batch(NOW, false).unwrap().1).outcomes, 50);
}

#[test]
fn a_batch_is_held_until_it_is_acknowledged() {
    let mut session = granted();
    track(&mut session, 3);
    let (ticket, _) = session.next_batch(NOW, true).unwrap();
    assert_eq!(session.held(), 3);
    assert!(session.next_batch(NOW, true).is_none());
    session.acknowledged(ticket);
    assert_eq!(session.held(), 0);
}

#[test]
fn a_resent_batch_keeps_its_session_its_number_and_its_events() {
    let mut session = granted();
    track(&mut session, 2);
    let (ticket, first) = session.next_batch(NOW, true).unwrap();
    session.failed(ticket, NOW, 0);
    track(&mut session, 1);
    let (_, again) = session.next_batch(NOW + 60_000, false).unwrap();
    let (first, again) = (seen(&first), seen(&again));
    assert_eq!((again.sequence, again.outcomes), (first.sequence, 2));
    assert_eq!(again.session, first.session);
    assert_eq!(
        seen(&session.next_batch(NOW + 60_000, true).unwrap().1).sequence,
        1
    );
}

#[test]
fn pauses_between_resends_double_up_to_a_minute_and_keep_to_what_was_asked() {
    let mut session = granted();
    track(&mut session, 1);
    let mut now = NOW;
    let mut pauses = Vec::new();
    for _ in 0..9 {
        let (ticket, _) = session.next_batch(now, true).unwrap();
        session.failed(ticket, now, 0);
        let next = session.next_send_at(now).unwrap();
        pauses.push(next - now);
        now = next;
    }
    for (n, pause) in pauses.iter().enumerate() {
        let longest = (1_000 << n).min(60_000);
        assert!((longest / 2..=longest).contains(pause), "pause {n} is {pause}");
    }
    let (ticket, _) = session.next_batch(now, true).unwrap();
    session.failed(ticket, now, 120_000);
    assert_eq!(session.next_send_at(now), Some(now + 120_000));
}

#[test]
fn two_pages_that_failed_together_do_not_come_back_together() {
    let pause = |n: u8| {
        let mut session = Session::new(
            &crate::session::fixtures::fresh(n),
            NOW,
            crate::session::fixtures::limits(),
        );
        session.outbox.failed(0, NOW, 0);
        session.outbox.not_before_ms()
    };
    assert_ne!(pause(1), pause(2));
    assert_eq!(pause(1), pause(1));
}

#[test]
fn a_refused_batch_is_gone_and_does_not_hold_up_the_next() {
    let mut session = granted();
    track(&mut session, 1);
    let (ticket, _) = session.next_batch(NOW, true).unwrap();
    session.refused(ticket);
    track(&mut session, 1);
    assert_eq!(seen(&session.next_batch(NOW, true).unwrap().1).sequence, 1);
}

#[test]
fn what_was_under_way_when_the_page_was_put_aside_is_sent_again() {
    let mut session = granted();
    session.choose(BUTTON, NOW);
    let (_, first) = session.next_batch(NOW, true).unwrap();
    session.interrupted();
    let (_, again) = session.next_batch(NOW, true).unwrap();
    assert_eq!(seen(&first).sequence, seen(&again).sequence);
}

#[test]
fn an_outcome_that_no_door_takes_is_not_held() {
    let mut session = granted();
    let mut wrong = outcome("refund");
    wrong.value = -1.0;
    for wrong in [outcome(""), wrong] {
        assert_eq!(session.track(wrong, NOW), Tracked::Invalid);
    }
    assert_eq!(session.held(), 0);
}
