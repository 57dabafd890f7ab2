//! The JSON Schemas of the bodies (draft 2020-12).

/// The JSON Schema of a body.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Schema {
    /// The name: `setup`, `error`, `begin` or `answers`.
    pub name: &'static str,
    /// The schema, as JSON.
    pub document: &'static str,
}

/// Returns the schema of each body of [`setup_routes`](crate::setup_routes).
pub fn schemas() -> [Schema; 4] {
    [
        Schema { name: "answers", document: include_str!("../../schema/answers.json") },
        Schema { name: "begin", document: include_str!("../../schema/begin.json") },
        Schema { name: "error", document: include_str!("../../schema/error.json") },
        Schema { name: "setup", document: include_str!("../../schema/setup.json") },
    ]
}
