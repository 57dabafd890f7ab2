//! The JSON Schema of the format.

use schemars::generate::SchemaSettings;

use super::model::KindModel;

/// Returns the JSON Schema (draft 2020-12) of a kind file, which editors use to complete and to check.
///
/// The schema knows the shape of a file. The keys that must fit together are checked when a file is read.
///
/// ```
/// let schema = connection_manifest::kind_schema();
/// assert_eq!(schema["type"], "object");
/// ```
pub fn kind_schema() -> serde_json::Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<KindModel>();
    schema.insert("title".to_owned(), "A kind as a file, format 1".into());
    schema.to_value()
}
