//! Imports as several collectors share them: by their names, and as the bytes that they are kept in.

use std::{collections::BTreeSet, fs, io, path::PathBuf};

use super::store::{EXTENSION, Histories, HistoryError, read};
use crate::durable;

impl Histories {
    /// The names of all imports that can be read.
    pub fn names(&self) -> Result<BTreeSet<String>, HistoryError> {
        let paths = self.paths()?.into_iter().filter(|path| read(path).is_ok());
        let name = |path: PathBuf| path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned);
        Ok(paths.filter_map(name).collect())
    }

    pub fn bytes(&self, name: &str) -> Result<Vec<u8>, HistoryError> {
        let path = self.named(name);
        fs::read(&path).map_err(|source| HistoryError::Io { path, source })
    }

    /// Keeps an import that came from elsewhere, under the name that it has there.
    pub fn put(&self, name: &str, bytes: &[u8]) -> Result<(), HistoryError> {
        let path = self.named(name);
        fs::create_dir_all(&self.folder)
            .and_then(|()| durable::replace(&path, bytes, durable::PRIVATE))
            .map_err(|source| HistoryError::Io { path, source })
    }

    /// Lets go of an import, where it is there.
    pub fn remove(&self, name: &str) -> Result<(), HistoryError> {
        let path = self.named(name);
        match fs::remove_file(&path).and_then(|()| durable::sync_folder(&path)) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(HistoryError::Io { path, source }),
            _ => Ok(()),
        }
    }

    fn named(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.{EXTENSION}"))
    }
}

/// Whether this can be the name of an import: 16 hexadecimal digits, and so no path.
pub fn is_name(name: &str) -> bool {
    name.len() == 16 && name.chars().all(|digit| digit.is_ascii_hexdigit())
}
