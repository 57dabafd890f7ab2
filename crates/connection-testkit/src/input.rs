//! The inputs of a scripted setup.

use connection_contract::Secret;

/// An input that ends a wait.
#[derive(Debug)]
#[non_exhaustive]
pub enum Input {
    /// Answers of the user: raw text by field name, as a form sends it. A name may be repeated.
    Answers(Vec<(String, Secret)>),
    /// A callback: the browser returns with these parameters.
    Callback(Vec<(String, Secret)>),
    /// The time of the wait passes.
    Elapsed,
    /// A request to resume a setup that stopped only because the provider could not be reached.
    Resume,
}

impl Input {
    /// Creates answers from pairs of a field name and its text.
    pub fn answers(answers: &[(&str, &str)]) -> Self {
        Self::Answers(pairs(answers))
    }

    /// Creates a callback from pairs of a parameter name and its value.
    pub fn callback(parameters: &[(&str, &str)]) -> Self {
        Self::Callback(pairs(parameters))
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Answers(_) => "answers",
            Self::Callback(_) => "a callback",
            Self::Elapsed => "that the time passed",
            Self::Resume => "to resume",
        }
    }

    pub(crate) fn duplicate(&self) -> Self {
        match self {
            Self::Answers(pairs) => Self::Answers(duplicates(pairs)),
            Self::Callback(pairs) => Self::Callback(duplicates(pairs)),
            Self::Elapsed => Self::Elapsed,
            Self::Resume => Self::Resume,
        }
    }
}

pub(crate) fn duplicates(pairs: &[(String, Secret)]) -> Vec<(String, Secret)> {
    pairs.iter().map(|(name, value)| (name.clone(), value.duplicate())).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, Secret)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), Secret::from(*value))).collect()
}
