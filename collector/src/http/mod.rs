//! The doors. Only here is axum named.
//!
//! * [`public`] is for pages, workers, back ends and ad networks; [`admin`] for the dashboard, metrics and commands, behind
//!   a token.
//! * [`server`] accepts connections, bounds their number and patience, and lets what is in flight end.
//!
//! The doors know the log and the hub. They never meet the trainer: what an event does to a model is none of their
//! business, and they take no part in it.

pub mod admin;
mod body;
mod patience;
pub mod public;
mod refusal;
pub mod server;
