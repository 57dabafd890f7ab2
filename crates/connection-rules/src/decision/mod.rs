//! The decision about a request, and its explanation.

mod decide;
mod explain;
mod fit;
mod parameter_fit;
mod reason;
mod view;

pub use decide::{Decision, Remedy};
pub use explain::{Explanation, Step};

pub(crate) use fit::{body_fit, is_document_parameter, is_listed, looks_at, pointer_fit};
pub(crate) use parameter_fit::{denied_fit, only_fit};
pub(crate) use view::{Fit, View};
