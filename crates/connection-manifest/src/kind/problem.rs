//! The problems of a kind file: each with its file, line and field, and with the remedy in its sentence.
//!
//! A problem never repeats a value, because a value in the wrong place may be a secret.

use std::fmt;

use connection_contract::{DisplayText, Text};

/// One problem of a kind file.
///
/// ```
/// use connection_manifest::KindFile;
///
/// let problems = KindFile::parse("acme.toml", "format = 1\nid = \"acme\"\nnmae = \"Acme\"\n").unwrap_err();
/// let first = problems.iter().next().unwrap();
/// assert_eq!(first.line, Some(3));
/// assert_eq!(first.to_string(), "acme.toml:3: nmae: this key is unknown; did you mean `name`?");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// Name of the file, as the host gave it.
    pub file: DisplayText,
    /// Line of the file, counted from 1.
    pub line: Option<u32>,
    /// The key with the problem, such as `oauth2.token` or `fields[0].name`. Empty for the whole file.
    pub field: DisplayText,
    /// One sentence that says what is wrong and what to do.
    pub sentence: Text,
}

impl Problem {
    pub(crate) fn new(file: &str, line: Option<u32>, field: impl Into<Text>, sentence: impl Into<Text>) -> Self {
        Self { file: file.to_owned().into(), line, field: field.into().into(), sentence: sentence.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, field, sentence } = self;
        write!(f, "{file}")?;
        if let Some(line) = line {
            write!(f, ":{line}")?;
        }
        match field.as_str() {
            "" => write!(f, ": {sentence}"),
            field => write!(f, ": {field}: {sentence}"),
        }
    }
}

/// All problems of one or more kind files, in the order of their lines; those of a whole file come last. There is at
/// least one.
///
/// ```
/// use connection_manifest::KindFile;
///
/// let problems = KindFile::parse("acme.toml", "format = 1").unwrap_err();
/// assert!(problems.iter().count() > 1);
/// assert!(problems.to_string().starts_with("acme.toml: "));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    pub(crate) fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort_by(|a, b| (&a.file, a.line.is_none(), a.line).cmp(&(&b.file, b.line.is_none(), b.line)));
        Self(problems)
    }

    /// Returns an iterator over the problems.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

/// One line for each problem.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            write!(f, "{}{problem}", if index == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
