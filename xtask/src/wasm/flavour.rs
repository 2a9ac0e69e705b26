//! The three modules that are made of the one crate, since a host should download only what it calls.

/// One way to build the edge crate.
pub struct Flavour {
    /// Its folder under the output folder.
    pub name: &'static str,
    /// The cargo features that make it.
    pub features: &'static str,
    /// Whether it speaks with JavaScript and needs glue.
    pub glue: bool,
}

pub const PAGE: Flavour = Flavour {
    name: "page",
    features: "js",
    glue: true,
};
pub const INSPECT: Flavour = Flavour {
    name: "inspect",
    features: "js,inspect",
    glue: true,
};
pub const ABI: Flavour = Flavour {
    name: "abi",
    features: "abi",
    glue: false,
};

pub const FLAVOURS: [Flavour; 3] = [PAGE, INSPECT, ABI];
