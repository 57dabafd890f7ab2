//! The shapes in the document: the members of answers that are always present, and the descriptions.
//!
//! A shape leaves no member out: one without a value is `null`. `utoipa` describes such a member as optional, which is
//! right for bodies of requests alone.

use std::collections::{BTreeMap, BTreeSet};

use utoipa::{
    ToSchema as _,
    openapi::{
        OpenApi, Ref, RefOr, Response, Schema, Type,
        path::Operation,
        schema::{AdditionalProperties, ArrayItems, SchemaType},
    },
};

use connection_api::Problem;

type Schemas = BTreeMap<String, RefOr<Schema>>;

/// Requires the members of answers that may be `null`. A member that may be absent is not nullable.
pub(super) fn require_members(document: &mut OpenApi) {
    let Some(components) = &mut document.components else { return };
    // All refusals have this body.
    let mut answered = BTreeSet::new();
    reach(&components.schemas, &Ref::from_schema_name(Problem::name()).into(), &mut answered);
    for operation in super::operations(&mut document.paths).map(|(_, _, operation)| operation) {
        for response in responses(operation) {
            for schema in response.content.values().filter_map(|content| content.schema.as_ref()) {
                reach(&components.schemas, schema, &mut answered);
            }
        }
    }
    for name in answered {
        if let Some(RefOr::T(schema)) = components.schemas.get_mut(&name) {
            require(schema);
        }
    }
}

/// Keeps the first paragraph of the descriptions of shapes. The others are examples and notes for readers of the crate.
pub(super) fn shorten_descriptions(document: &mut OpenApi) {
    let schemas = document.components.iter_mut().flat_map(|components| components.schemas.values_mut());
    schemas.for_each(shorten);
}

fn shorten(schema: &mut RefOr<Schema>) {
    let RefOr::T(schema) = schema else { return };
    let description = match schema {
        Schema::AllOf(all) => {
            all.items.iter_mut().for_each(shorten);
            &mut all.description
        }
        Schema::OneOf(one) => {
            one.items.iter_mut().for_each(shorten);
            &mut one.description
        }
        Schema::Array(array) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                shorten(items);
            }
            &mut array.description
        }
        Schema::Object(object) => {
            object.properties.values_mut().for_each(shorten);
            &mut object.description
        }
        _ => return,
    };
    if let Some(text) = description
        && let Some((first, _)) = text.split_once("\n\n")
    {
        *text = first.to_owned();
    }
}

fn responses(operation: &Operation) -> impl Iterator<Item = &Response> {
    operation.responses.responses.values().filter_map(|response| match response {
        RefOr::T(response) => Some(response),
        RefOr::Ref(_) => None,
    })
}

/// Adds the names of all schemas that a schema refers to.
fn reach(schemas: &Schemas, schema: &RefOr<Schema>, found: &mut BTreeSet<String>) {
    match schema {
        RefOr::Ref(reference) => {
            let name = reference.ref_location.rsplit('/').next().unwrap_or_default();
            if found.insert(name.to_owned())
                && let Some(schema) = schemas.get(name)
            {
                reach(schemas, schema, found);
            }
        }
        RefOr::T(schema) => parts(schema).for_each(|part| reach(schemas, part, found)),
    }
}

fn parts(schema: &Schema) -> Box<dyn Iterator<Item = &RefOr<Schema>> + '_> {
    match schema {
        Schema::AllOf(all) => Box::new(all.items.iter()),
        Schema::AnyOf(any) => Box::new(any.items.iter()),
        Schema::OneOf(one) => Box::new(one.items.iter()),
        Schema::Array(array) => match &array.items {
            ArrayItems::RefOrSchema(items) => Box::new(std::iter::once(&**items)),
            ArrayItems::False => Box::new(std::iter::empty()),
        },
        Schema::Object(object) => {
            let others = match object.additional_properties.as_deref() {
                Some(AdditionalProperties::RefOr(schema)) => Some(schema),
                _ => None,
            };
            Box::new(object.properties.values().chain(others))
        }
        _ => Box::new(std::iter::empty()),
    }
}

fn require(schema: &mut Schema) {
    let inline = |item: &mut RefOr<Schema>| {
        if let RefOr::T(schema) = item {
            require(schema);
        }
    };
    match schema {
        Schema::AllOf(all) => all.items.iter_mut().for_each(inline),
        Schema::OneOf(one) => one.items.iter_mut().for_each(inline),
        Schema::Object(object) => {
            for (name, member) in &object.properties {
                if is_nullable(member) && !object.required.contains(name) {
                    object.required.push(name.clone());
                }
            }
        }
        _ => {}
    }
}

/// Returns `true` if a schema allows `null`.
pub(super) fn is_nullable(schema: &RefOr<Schema>) -> bool {
    let RefOr::T(schema) = schema else { return false };
    match schema {
        Schema::Object(object) => has_null(&object.schema_type),
        Schema::Array(array) => has_null(&array.schema_type),
        Schema::OneOf(one) => has_null(&one.schema_type) || one.items.iter().any(is_nullable),
        _ => false,
    }
}

fn has_null(schema_type: &SchemaType) -> bool {
    match schema_type {
        SchemaType::Type(one) => *one == Type::Null,
        SchemaType::Array(several) => several.contains(&Type::Null),
        SchemaType::AnyValue => false,
    }
}
