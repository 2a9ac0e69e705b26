//! Learning buckets: what fit needs, by the time of the decision.

use alloc::{collections::BTreeMap, vec::Vec};

use super::triangle::{Active, ArmSums};
use crate::event::Exposure;
use crate::join::reward::Worth;
use crate::time::Ladder;

/// Start and width.
pub type Bucket = (u64, u64);

#[derive(Clone, Debug)]
pub struct Learning {
    arms: usize,
    /// Only those whose sums may not be zero; one entry an arm.
    buckets: BTreeMap<Bucket, Vec<ArmSums>>,
}

impl Learning {
    pub fn new(arms: usize) -> Self {
        Self {
            arms,
            buckets: BTreeMap::new(),
        }
    }

    pub fn arms(&self) -> usize {
        self.arms
    }

    /// Buckets by start, each with one entry an arm.
    pub fn buckets(&self) -> impl Iterator<Item = (Bucket, &[ArmSums])> {
        self.buckets
            .iter()
            .map(|(&bucket, arms)| (bucket, arms.as_slice()))
    }

    pub(super) fn change(
        &mut self,
        bucket: Bucket,
        exposure: &Exposure,
        was: Option<&Worth>,
        now: Option<&Worth>,
    ) {
        let Some(sums) = self.arm_mut(bucket, exposure.arm as usize) else {
            return;
        };
        let active = Active::with_bias(exposure.features());
        // A reward that changes leaves the exposure's products as they are.
        let count = i64::from(now.is_some()) - i64::from(was.is_some());
        if count != 0 {
            sums.n = sums.n.wrapping_add(count);
            sums.add_products(&active, count);
        }
        let reward = |worth: Option<&Worth>| worth.map_or(0, |w| i64::from(w.reward(0)));
        let (before, after) = (reward(was), reward(now));
        if before != after {
            sums.sum_r = sums.sum_r.wrapping_add(after - before);
            let square = |r: i64| i128::from(r) * i128::from(r);
            sums.sum_rr = sums.sum_rr.wrapping_add(square(after) - square(before));
            sums.add_reward(&active, after - before);
        }
        for (worth, sign) in [(was, -1), (now, 1)] {
            for &(bin, micros) in worth.map_or(&[][..], |w| &w.delays) {
                if let Some(sum) = sums.delays.get_mut(bin as usize) {
                    *sum = sum.wrapping_add(sign * i64::from(micros));
                }
            }
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (&bucket, arms) in &other.buckets {
            for (arm, sums) in arms.iter().enumerate() {
                if let Some(mine) = self.arm_mut(bucket, arm) {
                    mine.merge(sums);
                }
            }
        }
    }

    pub(super) fn roll_up(&mut self, ladder: &Ladder, clock_ms: u64) {
        let moving: Vec<(Bucket, Option<Bucket>)> = self
            .buckets
            .keys()
            .map(|&bucket| (bucket, ladder.bucket(bucket.0, clock_ms)))
            .filter(|&(from, to)| to != Some(from))
            .collect();
        for (from, to) in moving {
            let Some(arms) = self.buckets.remove(&from) else {
                continue;
            };
            let Some(to) = to else { continue };
            match self.buckets.get_mut(&to) {
                None => {
                    self.buckets.insert(to, arms);
                }
                Some(into) => into.iter_mut().zip(&arms).for_each(|(into, arm)| into.merge(arm)),
            }
        }
        self.buckets
            .retain(|_, arms| arms.iter().any(|arm| !arm.is_zero()));
    }

    pub(super) fn arm_mut(&mut self, bucket: Bucket, arm: usize) -> Option<&mut ArmSums> {
        let arms = self.arms;
        self.buckets
            .entry(bucket)
            .or_insert_with(|| (0..arms).map(|_| ArmSums::default()).collect())
            .get_mut(arm)
    }
}
