//! Files below directories that the user granted, read only.

mod bounds;
mod identity;
mod local;
mod open;
mod policy;
mod protected;
mod refused;
#[cfg(test)]
mod tests;

pub(crate) use bounds::{Bounds, ProfileDirectories, Reading};
pub(crate) use local::{FileVersion, LocalFiles, ReadRefusal};
pub use policy::FilesPolicy;
pub use refused::DirectoryRefused;
