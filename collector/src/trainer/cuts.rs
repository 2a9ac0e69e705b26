//! Numbers that the experiment file leaves to the fitter: their cuts are chosen once, and kept with the revisions.
//!
//! The file goes on saying "numeric"; what is served is the revision with the cuts. So applying a file again, a restart and
//! an edit of anything else leave them as they are.

use tiltwise_core::fit;
use tiltwise_core::revision::{AttributeKind, Revision};

use super::models::{self, ModelSource, Planned};
use super::{Plan, State};
use crate::experiments::Revisions;
use crate::experiments::identity::revision_id;
use crate::experiments::revisions::RevisionsError;

/// Puts in the cuts that were chosen before.
pub(super) fn recall(plan: &mut Plan, revisions: &Revisions) {
    for planned in plan.experiments.iter_mut().filter(|planned| is_uncut(planned)) {
        serve(planned, revisions.with_cuts(&planned.experiment.revision));
    }
}

/// Chooses cuts where it is time, keeps them, and puts them in. A model that people hold still keeps its encoder.
pub(super) fn choose(
    plan: &mut Plan,
    state: &mut State,
    revisions: &Revisions,
) -> Result<(), RevisionsError> {
    let open = |planned: &&mut Planned| is_uncut(planned) && planned.source == ModelSource::Fit;
    for planned in plan.experiments.iter_mut().filter(open) {
        let revision = &planned.experiment.revision;
        let Some(cut) = fit::cuts::choose(revision, &models::sources(revision, &state.fold)) else {
            continue;
        };
        let id = revisions.keep_cut(&cut)?;
        tracing::info!(experiment = %cut.key, "numbers are cut into ranges from now on");
        state.add_revision(id, &cut);
        serve(planned, cut);
    }
    Ok(())
}

fn is_uncut(planned: &Planned) -> bool {
    let attributes = &planned.experiment.revision.attributes;
    attributes
        .iter()
        .any(|attribute| attribute.kind == AttributeKind::Number)
}

fn serve(planned: &mut Planned, revision: Revision) {
    planned.experiment.revision_id = revision_id(&revision);
    planned.experiment.revision = revision;
}
