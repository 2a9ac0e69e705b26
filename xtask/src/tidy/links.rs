//! The documents tell of files that are there.

use super::{Finding, Snapshot};

pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in snapshot.files.iter().filter(|file| file.path.ends_with(".md")) {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (number, line) in (1..).zip(file.text.lines()) {
            for link in links(line).filter(|link| !exists(snapshot, folder, link)) {
                found.push(Finding::at(
                    &file.path,
                    number,
                    format!("{link} is not in the repository"),
                ));
            }
        }
    }
    found
}

/// The targets of `[…](target)` that are paths.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let targets = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let paths = targets.map(|target| target.split('#').next().unwrap_or_default());
    paths.filter(|path| !path.is_empty() && !path.contains(':') && !path.contains(' '))
}

fn exists(snapshot: &Snapshot, folder: &str, link: &str) -> bool {
    let mut parts: Vec<&str> = if link.starts_with('/') {
        Vec::new()
    } else {
        folder.split('/').collect()
    };
    for part in link.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." => {}
            part => parts.push(part),
        }
    }
    parts.retain(|part| !part.is_empty());
    let path = parts.join("/");
    let below = format!("{path}/");
    let mut known = snapshot
        .files
        .iter()
        .map(|file| &file.path)
        .chain(&snapshot.tracked);
    known.any(|known| *known == path || known.starts_with(&below))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_a_file_that_is_gone_is_found() {
        let found = |link: &str| {
            let text = format!("see [this]({link})");
            check(&Snapshot::of(&[
                ("docs/a.md", &text),
                ("docs/b.md", ""),
                ("LICENSE", ""),
            ]))
            .len()
        };
        assert_eq!(found("b.md#part"), 0);
        assert_eq!(found("../LICENSE"), 0);
        assert_eq!(found("../docs"), 0);
        assert_eq!(found("https://example.com/x"), 0);
        assert_eq!(found("gone.md"), 1);
    }
}
