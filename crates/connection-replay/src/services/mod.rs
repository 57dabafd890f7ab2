//! The services that a plugin calls in a setup. Each call that must not run twice is an effect.

mod files;
mod http;
mod local;
mod setup;
mod values;
