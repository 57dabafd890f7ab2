//! The bodies as JSON Schema (draft 2020-12).

/// A body and what it is described by.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Schema {
    /// What it is called: `setup`, `error`, `begin`, `answers`.
    pub name: &'static str,
    /// The schema, as JSON.
    pub document: &'static str,
}

/// The schema of each body of [`setup_routes`](crate::setup_routes).
pub fn schemas() -> [Schema; 4] {
    [
        Schema { name: "answers", document: include_str!("../../schema/answers.json") },
        Schema { name: "begin", document: include_str!("../../schema/begin.json") },
        Schema { name: "error", document: include_str!("../../schema/error.json") },
        Schema { name: "setup", document: include_str!("../../schema/setup.json") },
    ]
}
