//! What the cross-crate tests share. The tests themselves are in `tests/`, one behaviour a file.

pub mod module;
pub mod river;

/// The wire as prost understands it: generated from `proto/tiltwise.proto`, independent of the core.
#[allow(clippy::pedantic, unreachable_pub)]
pub mod proto {
    include!(concat!(env!("OUT_DIR"), "/tiltwise.v1.rs"));
}

/// Bytes from hexadecimal digits, as golden files hold them.
///
/// # Panics
/// On anything else.
pub fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "an odd number of digits");
    let digit = |c: u8| {
        char::from(c)
            .to_digit(16)
            .unwrap_or_else(|| panic!("{c} is no digit")) as u8
    };
    text.as_bytes()
        .chunks_exact(2)
        .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
        .collect()
}
