//! Ids of events in the log, and what masks their draws there.
//!
//! A keyed hash costs more than all else that admit does with a small event, and gives twice the bytes that an id has. So
//! the events of one batch share one: its first half is the key by which the batch is known when it comes again, and of
//! the second half twelve bytes begin the id of every event, whose place in the batch ends it. Masks are shared in the
//! same way, eight to a hash.

use super::mac::Mac;

/// Purposes keep one key's uses apart: equal bytes under different purposes have unrelated results.
const BATCH: &str = "tiltwise-batch-1";
const MASK: &str = "tiltwise-mask-1";

/// A draw has 30 bits (the propensities' denominator is 2^30), and so has its mask.
const MASK_BITS: u32 = (1 << 30) - 1;

/// The bytes that ids of one batch have in common. 96 bits: an id must be unlike the other ids of its unit alone.
const STEM: usize = 12;

/// Masks of four bytes that one hash gives.
const MASKS: u32 = 8;

/// What a batch of a session is called in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchId {
    /// By which the batch is known when it comes again.
    pub key: [u8; 16],
    stem: [u8; STEM],
}

impl BatchId {
    pub(super) fn new(keys: &Mac, session: &[u8], sequence: u32) -> Self {
        let whole = keys.whole(BATCH, &[session, &sequence.to_le_bytes()]);
        let (mut key, mut stem) = ([0; 16], [0; STEM]);
        for (to, from) in key.iter_mut().chain(&mut stem).zip(whole) {
            *to = from;
        }
        Self { key, stem }
    }

    /// The id of the event at this place of the batch.
    pub fn event(&self, index: u32) -> [u8; 16] {
        join(&self.stem, index)
    }
}

/// Makes masks, remembering the hash that gave the last one.
#[derive(Debug)]
pub struct Masks<'a> {
    keys: &'a Mac,
    last: Option<([u8; 16], [u8; 32])>,
}

impl<'a> Masks<'a> {
    pub(super) fn new(keys: &'a Mac) -> Self {
        Self { keys, last: None }
    }

    /// What a draw is XORed with in the log, by its event's id: without it the log could be matched with a cookie.
    pub fn of(&mut self, event_id: &[u8; 16]) -> u32 {
        let (stem, place) = split(event_id);
        let block = join(&stem, place / MASKS);
        let masks = match self.last {
            Some((last, masks)) if last == block => masks,
            _ => {
                let masks = self.keys.whole(MASK, &[&block]);
                self.last = Some((block, masks));
                masks
            }
        };
        let (masks, _) = masks.as_chunks::<4>();
        let mask = masks.get((place % MASKS) as usize).copied().unwrap_or_default();
        u32::from_le_bytes(mask) & MASK_BITS
    }
}

fn join(stem: &[u8; STEM], number: u32) -> [u8; 16] {
    let mut joined = [0; 16];
    for (to, from) in joined
        .iter_mut()
        .zip(stem.iter().copied().chain(number.to_le_bytes()))
    {
        *to = from;
    }
    joined
}

fn split(id: &[u8; 16]) -> ([u8; STEM], u32) {
    let (mut stem, mut number) = ([0; STEM], [0; 4]);
    for (to, from) in stem.iter_mut().chain(&mut number).zip(*id) {
        *to = from;
    }
    (stem, u32::from_le_bytes(number))
}
