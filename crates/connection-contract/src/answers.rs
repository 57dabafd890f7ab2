//! The answers to a prompt, after the host checked them.

use alloc::{format, vec::Vec};

use crate::{BaseUrl, GrantedDirectory, Secret, SetupFailure, Text};

/// An answer that the host has checked against its field.
#[derive(Debug)]
#[non_exhaustive]
pub enum Answer {
    /// The answer to a `Bool` field.
    Bool(bool),
    /// The directory that the user granted in a `Directory` field.
    Directory(GrantedDirectory),
    /// The answer to a `Number` field.
    Number(i64),
    /// The answer to a `Secret` field.
    Secret(Secret),
    /// The answer to a `Text` or `Choice` field.
    Text(alloc::string::String),
    /// The address that the user granted in a `Url` field.
    Url(BaseUrl),
}

/// Checked answers by field name.
///
/// Reading a name that was not asked for, or an optional field that was left empty, returns an error that names it. It
/// never panics.
#[derive(Debug, Default)]
pub struct Answers(pub(crate) Vec<(Text, Answer)>);

impl Answers {
    /// Returns an iterator over all answers, in the order of the prompt.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Answer)> {
        self.0.iter().map(|(n, a)| (&**n, a))
    }

    /// Returns `true` if the field was answered.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    fn find(&self, name: &str) -> Option<&Answer> {
        self.iter().find(|(n, _)| *n == name).map(|(_, a)| a)
    }

    /// Removes and returns the answer to a `Secret` field. A second call with the same name returns an error.
    ///
    /// # Errors
    ///
    /// The field was not asked for, has another type, or is optional and was left empty.
    pub fn secret(&mut self, name: &str) -> Result<Secret, SetupFailure> {
        let at = self.0.iter().position(|(n, a)| *n == name && matches!(a, Answer::Secret(_)));
        match at.map(|at| self.0.remove(at).1) {
            Some(Answer::Secret(secret)) => Ok(secret),
            _ => Err(missing_answer(name)),
        }
    }

    /// Returns the answer to a `Text` or `Choice` field.
    ///
    /// # Errors
    ///
    /// The errors of [`secret`](Self::secret).
    pub fn text(&self, name: &str) -> Result<&str, SetupFailure> {
        if let Some(Answer::Text(text)) = self.find(name) { Ok(text) } else { Err(missing_answer(name)) }
    }

    /// Returns the answer to a `Url` field.
    ///
    /// # Errors
    ///
    /// The errors of [`secret`](Self::secret).
    pub fn url(&self, name: &str) -> Result<&BaseUrl, SetupFailure> {
        if let Some(Answer::Url(url)) = self.find(name) { Ok(url) } else { Err(missing_answer(name)) }
    }

    /// Returns the answer to a `Directory` field.
    ///
    /// # Errors
    ///
    /// The errors of [`secret`](Self::secret).
    pub fn directory(&self, name: &str) -> Result<&GrantedDirectory, SetupFailure> {
        if let Some(Answer::Directory(root)) = self.find(name) { Ok(root) } else { Err(missing_answer(name)) }
    }

    /// Returns an iterator over the answers to a field that takes [several values](crate::Field::many), in order. It is
    /// empty if there are none.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &Answer> {
        self.iter().filter(move |(n, _)| *n == name).map(|(_, a)| a)
    }

    /// Returns the answers to a `Directory` field that takes several values. There is at least one.
    ///
    /// # Errors
    ///
    /// The errors of [`secret`](Self::secret).
    pub fn directories(&self, name: &str) -> Result<Vec<GrantedDirectory>, SetupFailure> {
        let root = |answer: &Answer| if let Answer::Directory(root) = answer { Some(root.clone()) } else { None };
        let roots: Vec<_> = self.all(name).filter_map(root).collect();
        if roots.is_empty() { Err(missing_answer(name)) } else { Ok(roots) }
    }

    /// Returns the answer to a `Bool` field.
    ///
    /// # Errors
    ///
    /// The errors of [`secret`](Self::secret).
    pub fn flag(&self, name: &str) -> Result<bool, SetupFailure> {
        if let Some(Answer::Bool(flag)) = self.find(name) { Ok(*flag) } else { Err(missing_answer(name)) }
    }

    /// Returns the answer to a `Number` field.
    ///
    /// # Errors
    ///
    /// The errors of [`secret`](Self::secret).
    pub fn number(&self, name: &str) -> Result<i64, SetupFailure> {
        if let Some(Answer::Number(number)) = self.find(name) { Ok(*number) } else { Err(missing_answer(name)) }
    }
}

fn missing_answer(name: &str) -> SetupFailure {
    SetupFailure::new("no_answer", format!("there is no answer named '{name}'"))
}
