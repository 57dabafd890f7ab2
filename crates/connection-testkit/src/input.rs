//! What happens to a setup, as a script.

use connection_contract::Secret;

/// What ends a wait.
#[derive(Debug)]
#[non_exhaustive]
pub enum Input {
    /// The user answers; raw text by field name, as it comes from a form. A name may be repeated.
    Answers(Vec<(String, Secret)>),
    /// The browser comes back, with these parameters.
    Callback(Vec<(String, Secret)>),
    /// The wait ends by itself, and its time has passed.
    Elapsed,
    /// The setup ended for a bad network alone, and the user asks it to go on.
    Resume,
}

impl Input {
    /// The user answers.
    pub fn answers(answers: &[(&str, &str)]) -> Self {
        Self::Answers(pairs(answers))
    }

    /// The browser comes back.
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
