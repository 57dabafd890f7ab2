//! Files below directories that the user granted, read only.

mod local;
mod open;
mod policy;
#[cfg(test)]
mod tests;

pub(crate) use local::{LocalFiles, Mark};
pub use policy::FilesPolicy;
