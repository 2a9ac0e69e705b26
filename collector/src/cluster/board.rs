//! What `experiments` says: the file that holds, what was done to experiments, and which revisions were published. A pure fold of
//! the topic, so that every collector comes to the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tiltwise_core::{id::RevisionId, revision::Revision};

use super::notes::{Acted, ExperimentsKey, Filed, Imported, hash_of};
use crate::experiments::{Action, Experiments, is_overtaken};

/// Refusals that are remembered for those who wait for them.
const REFUSALS: usize = 1_024;

#[derive(Debug, Default)]
pub(super) struct Board {
    site: String,
    pub(super) file: Option<Filed>,
    /// What the file says.
    pub(super) experiments: Arc<Experiments>,
    /// Why it cannot be read here.
    pub(super) unreadable: Option<String>,
    /// The hashes of all texts that have held.
    texts: BTreeSet<String>,
    pub(super) actions: Arc<Vec<Action>>,
    refused: BTreeSet<u64>,
    pub(super) revisions: BTreeSet<RevisionId>,
    pub(super) cuts: BTreeSet<RevisionId>,
    /// Imports by name, and of how many pieces; none of those that were forgotten.
    pub(super) imports: BTreeMap<String, usize>,
    pieces: BTreeMap<String, BTreeMap<usize, Vec<u8>>>,
    /// The offset after the last record that has changed what holds.
    pub(super) said: u64,
}

/// What a record has changed.
#[derive(Debug, PartialEq)]
pub(super) enum News {
    Nothing,
    /// The experiments, or what holds of them.
    Experiments,
    Revision(Box<Revision>),
    /// One whose cuts the fitter has chosen.
    Cut(Box<Revision>),
    /// An import of this name.
    Import(String, Vec<u8>),
    ForgottenImport(String),
}

impl Board {
    pub(super) fn new(site: &str) -> Self {
        Self {
            site: site.to_owned(),
            ..Self::default()
        }
    }

    /// Takes the next record; or says what is wrong with it, and then nothing after it may be taken.
    pub(super) fn take(&mut self, offset: u64, key: &str, value: Option<&[u8]>) -> Result<News, String> {
        let strange = |what: &dyn std::fmt::Display| {
            format!(
                "record {offset} of experiments (key {key:?}) cannot be read: {what}. Where it is newer, upgrade this collector"
            )
        };
        let kind = ExperimentsKey::read(key).ok_or_else(|| strange(&"its key is of no known kind"))?;
        let Some(value) = value else {
            return match kind {
                ExperimentsKey::ImportPiece(name, _) => {
                    self.pieces.remove(&name);
                    Ok(News::Nothing)
                }
                _ => Err(strange(&"nothing of this kind is ever ended")),
            };
        };
        let news = match kind {
            ExperimentsKey::ImportPiece(name, place) => {
                self.pieces.entry(name).or_default().insert(place, value.to_vec());
                News::Nothing
            }
            ExperimentsKey::Imported(name) => {
                let imported: Imported = serde_json::from_slice(value).map_err(|error| strange(&error))?;
                self.import(name, imported.pieces)
            }
            ExperimentsKey::File => {
                self.put_up(serde_json::from_slice(value).map_err(|error| strange(&error))?);
                News::Experiments
            }
            ExperimentsKey::Held(hash) => {
                self.texts.insert(hash);
                News::Nothing
            }
            ExperimentsKey::Action => {
                let acted: Acted = serde_json::from_slice(value).map_err(|error| strange(&error))?;
                self.act(offset, acted)
            }
            ExperimentsKey::Revision(id) => {
                self.revisions.insert(id);
                News::Revision(Box::new(
                    Revision::decode(value).map_err(|error| strange(&error))?,
                ))
            }
            ExperimentsKey::Cut(id) => {
                self.revisions.insert(id);
                self.cuts.insert(id);
                News::Cut(Box::new(
                    Revision::decode(value).map_err(|error| strange(&error))?,
                ))
            }
        };
        if news == News::Experiments {
            self.said = offset + 1;
        }
        Ok(news)
    }

    fn put_up(&mut self, filed: Filed) {
        let name = format!("the experiments from {}", filed.by);
        self.texts.insert(hash_of(&filed.text));
        match Experiments::check(&name, &filed.text, &self.site) {
            Ok(experiments) => {
                self.experiments = Arc::new(experiments);
                self.unreadable = None;
            }
            // Another release has checked them: what held before goes on here.
            Err(problems) => {
                self.unreadable = Some(format!(
                    "The experiments that hold cannot be read by this release, so it does not lead: {problems}"
                ));
            }
        }
        self.file = Some(filed);
    }

    fn act(&mut self, offset: u64, acted: Acted) -> News {
        if is_overtaken(&self.actions, &acted.action, acted.known) {
            self.refused.insert(offset);
            if self.refused.len() > REFUSALS {
                self.refused.pop_first();
            }
            return News::Nothing;
        }
        Arc::make_mut(&mut self.actions).push(acted.action);
        News::Experiments
    }

    fn import(&mut self, name: String, pieces: usize) -> News {
        let came = self.pieces.remove(&name).unwrap_or_default();
        let before = self.imports.insert(name.clone(), pieces);
        match pieces {
            0 => News::ForgottenImport(name),
            // Told twice at once, it is known already.
            _ if before == Some(pieces) => News::Nothing,
            _ => News::Import(name, came.into_values().flatten().collect()),
        }
    }

    /// Whether what was done by this record came too late.
    pub(super) fn has_refused(&self, offset: u64) -> bool {
        self.refused.contains(&offset)
    }

    /// Whether this text has held at any time.
    pub(super) fn knows_text(&self, text: &str) -> bool {
        self.texts.contains(&hash_of(text))
    }
}

#[cfg(test)]
mod tests {
    use super::super::notes;
    use super::*;
    use crate::experiments::Verb;

    const FILE: &str = r#"
[[experiment]]
key = "hero"
control = "calm"
variants = [{ key = "calm" }, { key = "bold" }]
policy = { kind = "thompson" }
metric = { event = "signup", window = "10m" }
"#;

    fn acted(known: usize, experiment: &str, verb: Verb) -> Acted {
        let action = Action {
            at_ms: 5,
            author: "someone".into(),
            action: verb,
            experiment: experiment.into(),
            variant: None,
            version: None,
            lifts: None,
            reason: None,
        };
        Acted { known, action }
    }

    fn filed(text: &str) -> Filed {
        Filed {
            at_ms: 1,
            by: "a".into(),
            text: text.into(),
        }
    }

    /// Reads notes at these offsets, as after compaction: of one key the last alone.
    fn read(board: &mut Board, notes: &[(u64, crate::log::kafka::client::Note)]) -> Vec<News> {
        let is_last = |at: usize| {
            let mut after = notes.iter().skip(at + 1);
            !after.any(|(_, note)| note.key == notes[at].1.key)
        };
        let kept = (0..notes.len()).filter(|at| is_last(*at));
        kept.map(|at| {
            let (offset, note) = &notes[at];
            board.take(*offset, &note.key, note.value.as_deref()).unwrap()
        })
        .collect()
    }

    #[test]
    fn of_two_who_act_on_one_experiment_at_once_the_first_in_the_topic_counts_and_the_other_is_told() {
        let mut board = Board::new("shop");
        let notes = [
            notes::action("e", &acted(0, "hero", Verb::Pause), [1; 8]),
            notes::action("e", &acted(0, "hero", Verb::Freeze), [2; 8]),
            notes::action("e", &acted(0, "badge", Verb::Pause), [3; 8]),
            notes::action("e", &acted(2, "hero", Verb::Resume), [4; 8]),
        ];
        read(&mut board, &(10..).zip(notes).collect::<Vec<_>>());
        let done: Vec<Verb> = board.actions.iter().map(|action| action.action).collect();
        assert_eq!(done, [Verb::Pause, Verb::Pause, Verb::Resume]);
        assert!(board.has_refused(11) && !board.has_refused(12));
        assert_eq!(board.said, 14);
    }

    #[test]
    fn a_text_that_has_held_is_known_for_good_though_compaction_has_taken_it() {
        let mut board = Board::new("shop");
        let texts = [FILE, "# none"].map(|text| notes::file("e", &filed(text)));
        read(
            &mut board,
            &(0..).zip(texts.into_iter().flatten()).collect::<Vec<_>>(),
        );
        assert!(board.experiments.definitions.is_empty());
        assert!(board.knows_text(FILE) && board.knows_text("# none") && !board.knows_text("# other"));
    }

    #[test]
    fn an_import_counts_until_it_is_forgotten_and_that_is_remembered() {
        const NAME: &str = "00000000000000aa";
        let mut board = Board::new("shop");
        let bytes = vec![7; notes::PIECE + 1];
        let import = notes::import("e", NAME, &bytes, "a");
        let news = read(&mut board, &(0..).zip(import.clone()).collect::<Vec<_>>());
        assert_eq!(news.last(), Some(&News::Import(NAME.into(), bytes.clone())));
        let twice = read(&mut board, &(3..).zip(import.clone()).collect::<Vec<_>>());
        assert_eq!(twice.last(), Some(&News::Nothing));
        let forgotten = notes::forget_import("e", NAME, board.imports[NAME], "b");
        let news = read(&mut board, &(6..).zip(forgotten).collect::<Vec<_>>());
        assert_eq!(news.first(), Some(&News::ForgottenImport(NAME.into())));
        assert_eq!(board.imports[NAME], 0);
        let again = read(&mut board, &(9..).zip(import).collect::<Vec<_>>());
        assert_eq!(again.last(), Some(&News::Import(NAME.into(), bytes)));
        assert!(
            board.take(12, "history/../../etc/0", Some(b"")).is_err(),
            "a name is no path"
        );
    }

    #[test]
    fn what_this_release_cannot_read_leaves_what_held_and_is_said() {
        let mut board = Board::new("shop");
        let texts = [FILE, "[[experiment]]\nkey = \"x\"\nwhim = 1\n"];
        for (offset, text) in (0..).zip(texts) {
            let [_, note] = notes::file("e", &filed(text));
            board.take(offset, &note.key, note.value.as_deref()).unwrap();
        }
        assert_eq!(board.experiments.definitions.len(), 1);
        assert!(board.unreadable.as_ref().unwrap().contains("whim"));
        let error = board.take(2, "audience/1", Some(b"")).unwrap_err();
        assert!(error.contains("upgrade this collector"), "{error}");
    }
}
