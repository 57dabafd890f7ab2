//! The services that a plugin calls in a setup. A call whose result comes from outside is an effect.

mod files;
mod http;
mod local;
mod setup;
mod values;
