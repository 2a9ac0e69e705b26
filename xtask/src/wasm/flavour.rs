//! The three modules that are made of the one crate, since a host should download only what it calls.

use super::inline::{self, Loader};

/// One way to build the edge crate.
pub struct Flavour {
    /// Its folder under the output folder.
    pub name: &'static str,
    /// The cargo features that make it.
    pub features: &'static str,
    /// Whether objects cross its border, which takes glue by wasm-bindgen.
    pub glue: bool,
    /// How JavaScript loads it, if it does.
    pub loader: Option<&'static Loader>,
}

pub const PAGE: Flavour = Flavour {
    name: "page",
    features: "js",
    glue: false,
    loader: Some(&inline::PAGE),
};
pub const INSPECT: Flavour = Flavour {
    name: "inspect",
    features: "inspect",
    glue: true,
    loader: Some(&inline::INSPECT),
};
pub const ABI: Flavour = Flavour {
    name: "abi",
    features: "abi",
    glue: false,
    loader: None,
};

pub const FLAVOURS: [Flavour; 3] = [PAGE, INSPECT, ABI];
