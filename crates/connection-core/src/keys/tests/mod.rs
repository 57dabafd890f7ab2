//! The keys of a store, with a store.

mod newest;
mod opening;
