//! The services that a plugin calls in a setup, each as effects.

mod files;
mod http;
mod local;
mod setup;
mod values;
