//! The rules of a grant: the model, and its form as data.

mod model;
mod pattern;
mod read;
mod readable;
mod write;

pub use model::{Budget, Effect, Rule, Rules};
pub use pattern::PathPattern;
pub use read::InvalidRules;

pub(crate) use model::{FORM_LIMIT, JsonRpcCondition, ParameterCondition};
pub(crate) use pattern::PatternSegment;
pub(crate) use read::MAX_RULES;
