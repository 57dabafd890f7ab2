//! Registry, setup sessions, store.
