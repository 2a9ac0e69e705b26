//! A module as JavaScript: glue, bytes and the few lines that bring them together.
//!
//! The bytes are written as hex. That is twice their size and still the smaller download: under brotli hex costs 10 %
//! and base64 38 to 49 %, because base64 hides the byte boundaries that a compressor looks for.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

const LOADER: &str = include_str!("loader.js");
const LOADER_TYPES: &str = include_str!("loader.d.ts");

/// Writes glue (from `glued`), the optimised module as hex, and the loader into `folder`.
pub fn write(glued: &Path, module: &Path, folder: &Path) -> Result<()> {
    copy(&glued.join("tiltwise_bg.js"), &folder.join("glue.js"))?;
    copy(&glued.join("tiltwise.d.ts"), &folder.join("glue.d.ts"))?;
    let bytes = fs::read(module).with_context(|| format!("reading {}", module.display()))?;
    put(
        &folder.join("hex.js"),
        &format!("export default \"{}\";\n", hex(&bytes)),
    )?;
    put(
        &folder.join("hex.d.ts"),
        "declare const hex: string;\nexport default hex;\n",
    )?;
    put(&folder.join("index.js"), LOADER)?;
    put(&folder.join("index.d.ts"), LOADER_TYPES)
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
