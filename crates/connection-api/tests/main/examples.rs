//! Examples of JSON, made from the schemas of the shapes.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::{
    ToSchema,
    openapi::{
        RefOr, Schema, Type,
        schema::{AdditionalProperties, ArrayItems, SchemaType},
    },
};

/// The largest number of alternatives that a shape has.
pub(crate) const ALTERNATIVES: usize = 8;

struct Schemas {
    /// The schemas to which a schema refers, by their names.
    named: BTreeMap<String, RefOr<Schema>>,
    alternative: usize,
}

/// Returns the JSON of a shape in which each member has a value and each list has one element.
pub(crate) fn example<T: ToSchema>() -> Value {
    example_of::<T>(0)
}

/// Returns the JSON of a shape, with this alternative where there are several.
pub(crate) fn example_of<T: ToSchema>(alternative: usize) -> Value {
    let mut named = Vec::new();
    T::schemas(&mut named);
    Schemas { named: named.into_iter().collect(), alternative }.value(&T::schema())
}

impl Schemas {
    fn value(&self, schema: &RefOr<Schema>) -> Value {
        match schema {
            RefOr::Ref(reference) => {
                let name = reference.ref_location.rsplit('/').next().unwrap();
                self.value(&self.named[name])
            }
            RefOr::T(Schema::AllOf(all)) => {
                let members = all.items.iter().flat_map(|item| match self.value(item) {
                    Value::Object(members) => members,
                    other => panic!("{other}"),
                });
                Value::Object(members.collect())
            }
            RefOr::T(Schema::OneOf(one)) => {
                let is_null = |item: &&RefOr<Schema>| match item {
                    RefOr::T(Schema::Object(object)) => has_type(&object.schema_type, &Type::Null),
                    _ => false,
                };
                let items: Vec<_> = one.items.iter().filter(|item| !is_null(item)).collect();
                self.value(items[self.alternative % items.len()])
            }
            RefOr::T(Schema::Array(array)) => match &array.items {
                ArrayItems::RefOrSchema(items) => json!([self.value(items)]),
                ArrayItems::False => json!(array.prefix_items.iter().map(|item| self.part(item)).collect::<Vec<_>>()),
            },
            RefOr::T(Schema::Object(object)) => {
                if let Some(words) = &object.enum_values {
                    return words[0].clone();
                }
                let types = &object.schema_type;
                if has_type(types, &Type::Object) || !object.properties.is_empty() {
                    let mut members: Map<_, _> =
                        object.properties.iter().map(|(name, member)| (name.clone(), self.value(member))).collect();
                    if let Some(AdditionalProperties::RefOr(others)) = object.additional_properties.as_deref() {
                        members.insert("a name".to_owned(), self.value(others));
                    }
                    return Value::Object(members);
                }
                match types {
                    types if has_type(types, &Type::String) => json!("a text"),
                    types if has_type(types, &Type::Integer) => json!(7),
                    types if has_type(types, &Type::Number) => json!(0.5),
                    types if has_type(types, &Type::Boolean) => json!(true),
                    _ => json!({ "any": "value" }),
                }
            }
            _ => panic!("a schema of another type"),
        }
    }

    fn part(&self, schema: &Schema) -> Value {
        self.value(&RefOr::T(schema.clone()))
    }
}

fn has_type(types: &SchemaType, wanted: &Type) -> bool {
    match types {
        SchemaType::Type(one) => one == wanted,
        SchemaType::Array(several) => several.contains(wanted),
        SchemaType::AnyValue => false,
    }
}
