//! The optimised metric's sums, over all revisions and buckets, by what is matured.

use tiltwise_core::acc::inference::Bucket;
use tiltwise_core::infer::{ArmSums, ContrastSums};

use super::{Subject, places};

/// The place of the optimised metric, and the two cells.
const METRIC: usize = 0;
pub(super) const POLICY: usize = 0;
pub(super) const COMPARISON: usize = 1;

/// One entry an arm of today's revision.
#[derive(Debug)]
pub(super) struct Sums {
    /// Matured and provisional, both cells.
    pub all: Vec<ArmSums>,
    pub matured: Vec<ArmSums>,
    /// Of what is shown (matured once there is any), by cell: policy, comparison.
    pub cells: [Vec<ArmSums>; 2],
    pub contrasts: Vec<ContrastSums>,
}

impl Sums {
    pub(super) fn read(subject: &Subject<'_>) -> Self {
        let mut all = Self::over(subject, |_| true);
        let matured = Self::over(subject, |end_ms| is_matured(subject, end_ms));
        all.matured.clone_from(&matured.all);
        if matured.matured_units() > 0.0 {
            all.cells = matured.cells;
            all.contrasts = matured.contrasts;
        }
        all
    }

    /// What the rates are read from.
    pub(super) fn shown(&self) -> &[ArmSums] {
        if self.matured_units() > 0.0 {
            &self.matured
        } else {
            &self.all
        }
    }

    pub(super) fn matured_units(&self) -> f64 {
        self.matured.iter().map(|arm| arm.n).sum()
    }

    pub(super) fn provisional_units(&self) -> f64 {
        self.all.iter().map(|arm| arm.n).sum::<f64>() - self.matured_units()
    }

    fn over(subject: &Subject<'_>, take: impl Fn(u64) -> bool) -> Self {
        let today = &subject.experiment.revision;
        let arms = || vec![ArmSums::default(); today.arms()];
        let mut sums = Self {
            all: arms(),
            matured: arms(),
            cells: [arms(), arms()],
            contrasts: vec![ContrastSums::default(); today.arms()],
        };
        for (revision, accumulators) in subject.sums {
            let places = places(revision, today);
            // A contrast is against the control of its own revision.
            let same_control = places.get(revision.control as usize) == Some(&Some(today.control as usize));
            let inference = &accumulators.inference;
            for (start_ms, bucket) in inference.buckets() {
                if !take(start_ms + inference.bucket_ms()) {
                    continue;
                }
                for (arm, place) in places.iter().enumerate() {
                    let Some(place) = *place else { continue };
                    for cell in [POLICY, COMPARISON] {
                        sums.add(
                            bucket,
                            inference.place(METRIC, cell, arm),
                            place,
                            cell,
                            same_control,
                        );
                    }
                }
            }
        }
        sums.matured.clone_from(&sums.all);
        sums
    }

    fn add(&mut self, bucket: &Bucket, from: usize, arm: usize, cell: usize, same_control: bool) {
        if let Some(sums) = bucket.arms.get(from) {
            for into in [&mut self.all[arm], &mut self.cells[cell][arm]] {
                into.n += sums.n as f64;
                into.sum += sums.sum_r as f64 / 1e6;
                into.sum_squares += sums.sum_rr as f64 / 1e12;
            }
        }
        if let Some(sums) = bucket.contrasts.get(from).filter(|_| same_control) {
            let into = &mut self.contrasts[arm];
            into.n += sums.n as f64;
            into.sum_h_phi += sums.sum_h_phi_micros as f64 / 1e6;
            into.sum_h += sums.sum_h_micros as f64 / 1e6;
        }
    }
}

/// Nothing that is decided before this time can change any more.
fn is_matured(subject: &Subject<'_>, end_ms: u64) -> bool {
    let wait = subject.experiment.revision.metric().window_ms + subject.lateness_ms;
    subject.clock_ms >= end_ms.saturating_add(wait)
}
