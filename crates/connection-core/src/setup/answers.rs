//! Checks the answers of a person before a plugin sees them. A problem names the field and never holds the answer,
//! except for the path of a directory that cannot be granted.

use std::{collections::BTreeMap, fmt};

use connection_contract::{Answer, BaseUrl, DisplayText, Field, GrantedDirectory, Input, Secret, Text, host};
use connection_egress::is_private_network;
use connection_replay::answer::{self, NOT_ENCRYPTED, Pattern};

/// Maximum length of an answer in bytes.
const MAX_LENGTH: usize = 16 * 1024;
/// Maximum number of values of a field that takes many.
const MAX_VALUES: usize = 64;

/// The problem with the answer to one field. It never holds the answer, except for the path of a directory that cannot
/// be granted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldProblem {
    /// Name of the field with the problem.
    pub field: DisplayText,
    /// The problem, as the rest of a sentence that begins with the name of the field.
    pub problem: DisplayText,
}

impl FieldProblem {
    pub(crate) fn new(field: impl Into<DisplayText>, problem: impl Into<DisplayText>) -> Self {
        Self { field: field.into(), problem: problem.into() }
    }
}

impl fmt::Display for FieldProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' {}", self.field, self.problem)
    }
}

/// A function that grants a directory, or returns why it cannot be granted.
pub(crate) type Grant<'a> = dyn Fn(&str) -> Result<GrantedDirectory, DisplayText> + 'a;

/// Checks the answers against the fields. Returns the answers in the order of the prompt, or every problem.
pub(crate) fn check(
    fields: &[Field],
    patterns: &BTreeMap<Text, Pattern>,
    given: &[(String, Secret)],
    grant: &Grant<'_>,
) -> Result<Vec<(Text, Answer)>, Vec<FieldProblem>> {
    let mut problems = Vec::new();
    for (at, (name, _)) in given.iter().enumerate() {
        let before = || given.iter().take(at).any(|(other, _)| other == name);
        match fields.iter().find(|field| *field.name == **name) {
            None => problems.push(FieldProblem::new(name.clone(), unknown(fields))),
            Some(field) if !field.many && before() => {
                problems.push(FieldProblem::new(name.clone(), "is answered twice"));
            }
            Some(_) => {}
        }
    }
    let mut answers = Vec::new();
    for field in fields {
        let values: Vec<&Secret> =
            given.iter().filter(|(n, v)| **n == *field.name && !v.is_empty()).map(|(_, v)| v).collect();
        let default = field.default.as_ref().map(|text| Secret::from(&**text));
        let values = if values.is_empty() { default.iter().collect() } else { values };
        if values.is_empty() && field.required {
            problems.push(FieldProblem::new(field.name.clone(), "is missing"));
        }
        if values.len() > MAX_VALUES {
            problems.push(FieldProblem::new(field.name.clone(), "has too many values"));
            continue;
        }
        for value in values {
            let (value, query) = answer::split_query(field, value);
            match check_one(field, patterns.get(&field.name), &value, grant, given) {
                Ok(answer) => {
                    answers.push((field.name.clone(), answer));
                    answers.extend(query.map(|(name, query)| (name, Answer::Secret(query))));
                }
                Err(problem) => problems.push(FieldProblem::new(field.name.clone(), problem)),
            }
        }
    }
    if problems.is_empty() { Ok(answers) } else { Err(problems) }
}

fn unknown(fields: &[Field]) -> String {
    let names: Vec<_> = fields.iter().map(|field| &*field.name).collect();
    if names.is_empty() {
        return "is not requested: no answer is needed".into();
    }
    format!("is not requested; the requested fields are: {}", names.join(", "))
}

fn check_one(
    field: &Field,
    pattern: Option<&Pattern>,
    value: &Secret,
    grant: &Grant<'_>,
    given: &[(String, Secret)],
) -> Result<Answer, DisplayText> {
    if value.expose().len() > MAX_LENGTH {
        return Err("is longer than 16 KiB".into());
    }
    if field.input == Input::Directory {
        let text = value.expose_str().ok_or("is not UTF-8 text")?;
        return grant(text).map(Answer::Directory);
    }
    match (answer::parse(field, pattern, value), &field.plain_http) {
        (Err(NOT_ENCRYPTED), Some(by)) => device_url(field, value, by, given).map(Answer::Url),
        (answer, _) => answer.map_err(Into::into),
    }
}

/// Returns an `http` address of a private network, if the person has confirmed it by answering the field `by` with
/// `true`.
fn device_url(field: &Field, value: &Secret, by: &str, given: &[(String, Secret)]) -> Result<BaseUrl, DisplayText> {
    let read = if field.query.is_some() { host::exact_base_url } else { host::base_url };
    let base = value.expose_str().and_then(read);
    let base = base.filter(|base| is_private_network(base.origin())).ok_or(NOT_ENCRYPTED)?;
    if given.iter().any(|(name, value)| name == by && value.expose() == b"true") {
        return Ok(base);
    }
    let why =
        "is not encrypted: anyone on the network can read everything that is sent there, including the credential";
    Err(format!("{why}; for a device of your own network, answer '{by}' with true").into())
}
