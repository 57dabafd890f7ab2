//! Sealing: what opens, what does not, and why.

mod envelopes;
mod keys;
mod opening;
