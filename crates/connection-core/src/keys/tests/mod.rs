//! The keys of a store, with a store.
#![cfg(feature = "workspace-tests")]

mod newest;
mod opening;
