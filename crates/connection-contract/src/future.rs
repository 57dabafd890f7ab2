//! The future that the traits of the contract return.

use alloc::boxed::Box;
use core::{future::Future, pin::Pin};

/// A boxed future, for traits that must be usable as trait objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
