//! A module as JavaScript: its bytes, the few lines that bring it to life, and glue where it has some.
//!
//! The bytes are written as hex. That is twice their size and still the smaller download: under brotli hex costs 10 %
//! and base64 38 to 49 %, because base64 hides the byte boundaries that a compressor looks for.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// What brings the module to life, and its types.
pub struct Loader {
    script: &'static str,
    types: &'static str,
}

/// The page's module needs no glue: numbers cross, and bytes on a desk.
pub const PAGE: Loader = Loader {
    script: include_str!("page.js"),
    types: include_str!("page.d.ts"),
};
pub const INSPECT: Loader = Loader {
    script: include_str!("inspect.js"),
    types: include_str!("inspect.d.ts"),
};

/// Writes the optimised module as hex and its loader into `folder`, and the glue if there is any in `glued`.
pub fn write(loader: &Loader, glued: Option<&Path>, module: &Path, folder: &Path) -> Result<()> {
    if let Some(glued) = glued {
        copy(&glued.join("tiltwise_bg.js"), &folder.join("glue.js"))?;
        copy(&glued.join("tiltwise.d.ts"), &folder.join("glue.d.ts"))?;
    }
    let bytes = fs::read(module).with_context(|| format!("reading {}", module.display()))?;
    put(
        &folder.join("hex.js"),
        &format!("export default \"{}\";\n", hex(&bytes)),
    )?;
    put(
        &folder.join("hex.d.ts"),
        "declare const hex: string;\nexport default hex;\n",
    )?;
    put(&folder.join("index.js"), loader.script)?;
    put(&folder.join("index.d.ts"), loader.types)
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("copying {} to {}", from.display(), to.display()))?;
    Ok(())
}

fn put(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_becomes_two_digits() {
        assert_eq!(hex(&[0x00, 0x61, 0xff, 0x0a]), "0061ff0a");
    }
}
