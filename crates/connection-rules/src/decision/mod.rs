//! The decision about a request, and its explanation.

mod decide;
mod explain;
mod fit;
mod parameter_fit;
mod reason;

pub use decide::{Decision, Remedy};
pub use explain::{Explanation, Step};

pub(crate) use decide::View;
pub(crate) use fit::{Fit, body_fit, is_document_parameter, pointer_fit};
pub(crate) use parameter_fit::{denied_fit, only_fit};
