//! Checked answers.

use alloc::{format, vec::Vec};

use crate::{BaseUrl, Root, Secret, SetupFailure, Text};

/// A checked answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum Answer {
    /// From a `Bool` field.
    Bool(bool),
    /// From a `Directory` field: the grant.
    Directory(Root),
    /// From a `Number` field.
    Number(i64),
    /// From a `Secret` field.
    Secret(Secret),
    /// From a `Text` or `Choice` field.
    Text(alloc::string::String),
    /// From a `Url` field: the grant.
    Url(BaseUrl),
}
/// Checked answers by field name. Reading a name that was not asked, or an optional one that was left empty, is an
/// error that names it, never a panic.
#[derive(Debug, Default)]
pub struct Answers(pub(crate) Vec<(Text, Answer)>);

impl Answers {
    /// All answers, in the order of the prompt.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Answer)> {
        self.0.iter().map(|(n, a)| (&**n, a))
    }
    /// Whether there is an answer.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }
    fn find(&self, name: &str) -> Option<&Answer> {
        self.iter().find(|(n, _)| *n == name).map(|(_, a)| a)
    }
    /// The value of a `Secret` field, moved out: a second take is an error.
    ///
    /// # Errors
    /// A fault in the plugin, or an optional field without an answer.
    pub fn secret(&mut self, name: &str) -> Result<Secret, SetupFailure> {
        let at = self.0.iter().position(|(n, a)| *n == name && matches!(a, Answer::Secret(_)));
        match at.map(|at| self.0.remove(at).1) {
            Some(Answer::Secret(secret)) => Ok(secret),
            _ => Err(no_answer(name)),
        }
    }
    /// The text of a `Text` or `Choice` field.
    ///
    /// # Errors
    /// As [`secret`](Self::secret).
    pub fn text(&self, name: &str) -> Result<&str, SetupFailure> {
        if let Some(Answer::Text(text)) = self.find(name) { Ok(text) } else { Err(no_answer(name)) }
    }
    /// The address of a `Url` field.
    ///
    /// # Errors
    /// As [`secret`](Self::secret).
    pub fn url(&self, name: &str) -> Result<&BaseUrl, SetupFailure> {
        if let Some(Answer::Url(url)) = self.find(name) { Ok(url) } else { Err(no_answer(name)) }
    }
    /// The directory of a `Directory` field.
    ///
    /// # Errors
    /// As [`secret`](Self::secret).
    pub fn directory(&self, name: &str) -> Result<&Root, SetupFailure> {
        if let Some(Answer::Directory(root)) = self.find(name) { Ok(root) } else { Err(no_answer(name)) }
    }
    /// Every answer to a field that takes [many](crate::Field::many), in order; empty when there is none.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &Answer> {
        self.iter().filter(move |(n, _)| *n == name).map(|(_, a)| a)
    }
    /// Every directory of a `Directory` field that takes many; at least one.
    ///
    /// # Errors
    /// As [`secret`](Self::secret).
    pub fn directories(&self, name: &str) -> Result<Vec<Root>, SetupFailure> {
        let root = |answer: &Answer| if let Answer::Directory(root) = answer { Some(root.clone()) } else { None };
        let roots: Vec<_> = self.all(name).filter_map(root).collect();
        if roots.is_empty() { Err(no_answer(name)) } else { Ok(roots) }
    }
    /// The value of a `Bool` field.
    ///
    /// # Errors
    /// As [`secret`](Self::secret).
    pub fn flag(&self, name: &str) -> Result<bool, SetupFailure> {
        if let Some(Answer::Bool(flag)) = self.find(name) { Ok(*flag) } else { Err(no_answer(name)) }
    }
    /// The value of a `Number` field.
    ///
    /// # Errors
    /// As [`secret`](Self::secret).
    pub fn number(&self, name: &str) -> Result<i64, SetupFailure> {
        if let Some(Answer::Number(number)) = self.find(name) { Ok(*number) } else { Err(no_answer(name)) }
    }
}
fn no_answer(name: &str) -> SetupFailure {
    SetupFailure::new("no_answer", format!("there is no answer named '{name}'"))
}
