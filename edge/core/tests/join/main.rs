//! Join and fold, held against what they promise: order, parts, restarts and erasures make no difference, to the byte.

mod decoders;
mod limits;
mod order;
mod plain;
mod river;
