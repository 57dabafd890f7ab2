//! A request that was read: the head, and the body if a rule looks at it.

mod body;
mod head;
mod parts;

pub use body::Request;
pub use head::RequestHead;
pub use parts::{Place, RequestParts};

pub(crate) use body::Content;
