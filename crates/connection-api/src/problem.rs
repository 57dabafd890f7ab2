//! Refusals, and the reasons why something does not work.

use serde::{Deserialize, Serialize};

/// The body of every refusal: problem details (RFC 9457) with a stable code and a remedy.
///
/// ```
/// use connection_api::Problem;
///
/// let text = r#"{"type": "about:blank", "title": "Not Found", "status": 404, "code": "not_found",
///     "detail": "there is no such connection", "remedy": null, "field": null, "problems": [], "made": null}"#;
/// let problem: Problem = serde_json::from_str(text)?;
/// assert_eq!((problem.status, &*problem.to_string()), (404, "there is no such connection"));
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Problem {
    /// The type of the problem, which is `about:blank`.
    pub r#type: String,
    /// The name of the HTTP status, such as `Not Found`.
    pub title: String,
    /// The HTTP status of the answer.
    pub status: u16,
    /// One sentence that says what happened.
    pub detail: String,
    /// The stable code for programs.
    pub code: String,
    /// A sentence that says what to do, if something can be done.
    pub remedy: Option<String>,
    /// The provider's own words, if this answers the request of the person whose connection it is. Absent otherwise.
    #[serde(rename = "providerText", default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub provider_text: Option<String>,
    /// The field with the problem, if one has it.
    pub field: Option<String>,
    /// The problem of each field, if answers of a setup were refused.
    pub problems: Vec<FieldProblem>,
    /// The ids of what a repeated request had made, if the answer to it cannot be given again, or of what an import has
    /// made before the database failed.
    pub made: Option<String>,
}

/// The problem with one field; it never holds the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FieldProblem {
    /// The name under which the step lists the field.
    pub field: String,
    /// The problem, as the rest of a sentence that begins with the name of the field.
    pub message: String,
}

/// The reason why something does not work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Reason {
    /// The stable code for programs.
    pub code: String,
    /// The reason, as a clause.
    pub message: String,
    /// A sentence that says what to do.
    pub remedy: Option<String>,
    /// The provider's own words, if this answers the request of the person whose connection it is. Absent otherwise.
    #[serde(rename = "providerText", default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub provider_text: Option<String>,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail)
    }
}
