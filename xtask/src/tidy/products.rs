//! What is built is not committed: it would be stale with the next change, and nobody reviews it.

use super::{Finding, Snapshot};

const FOLDERS: [&str; 4] = ["target", "node_modules", "dist", "__pycache__"];

const ENDINGS: [&str; 8] = [
    ".wasm", ".tgz", ".min.js", ".map", ".class", ".jar", ".rlib", ".so",
];

pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let is_product = |path: &&String| {
        let in_folder = path
            .split('/')
            .rev()
            .skip(1)
            .any(|folder| FOLDERS.contains(&folder));
        in_folder || path.starts_with("wasm-pkg/wasm/") || ENDINGS.iter().any(|ending| path.ends_with(ending))
    };
    let products = snapshot.tracked.iter().filter(is_product);
    products
        .map(|path| Finding::of_file(path, "a build product: git rm --cached, and .gitignore"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_found_and_sources_are_not() {
        let paths = [
            "web-demo/dist/a.js",
            "wasm-pkg/wasm/page/glue.js",
            "a/b.wasm",
            "edge/src/lib.rs",
            "dist.md",
        ];
        let tracked = paths.iter().map(|path| (*path).to_owned()).collect();
        let found = check(&Snapshot {
            tracked,
            ..Snapshot::default()
        });
        assert_eq!(found.len(), 3);
    }
}
