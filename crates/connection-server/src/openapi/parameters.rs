//! The parameters that several operations have.

use utoipa::{
    IntoParams,
    openapi::{
        ObjectBuilder, RefOr, Required, Schema, Type,
        path::{Operation, ParameterBuilder, ParameterIn},
        schema::SchemaType,
    },
};

/// The number of elements of a page.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes a parameter that `Query` reads")]
pub(crate) struct Limit {
    /// The number of elements of a page, 50 by default.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// The number of elements of a page; without it, the whole list is one page.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes a parameter that `Query` reads")]
pub(crate) struct LimitOrAll {
    /// The number of elements of a page, all of them by default.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// The place at which a page begins.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes a parameter that `Query` reads")]
pub(crate) struct After {
    /// The value of `next` of the page before.
    after: Option<String>,
}

/// The state that a caller has seen.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it describes a header that the handlers read")]
pub(crate) struct IfMatch {
    /// The `ETag` of what was read. The request is refused with 412 if it has changed since then.
    #[param(rename = "If-Match")]
    if_match: Option<String>,
}

/// Adds the parameter that names the owner.
pub(super) fn add_owner(operation: &mut Operation) {
    let text = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(200));
    let owner = ParameterBuilder::new()
        .name("owner")
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(
            "The owner to act for. A token of one owner may only name that one; without a name, a token for every owner \
             acts for `local`.",
        ))
        .schema(Some(text));
    operation.parameters.get_or_insert_default().push(owner.build());
}

/// Removes `null` from the types of parameters: a parameter without a value is absent.
pub(super) fn without_null(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        let Some(RefOr::T(schema)) = &mut parameter.schema else { continue };
        match schema {
            Schema::Object(object) => {
                if let SchemaType::Array(types) = &object.schema_type
                    && let Some(only) = types.iter().find(|one| **one != Type::Null)
                {
                    object.schema_type = SchemaType::Type(only.clone());
                }
            }
            Schema::OneOf(one) => {
                one.items.retain(|item| !super::answers::is_nullable(item));
                if let [only] = one.items.as_slice() {
                    parameter.schema = Some(only.clone());
                }
            }
            _ => {}
        }
    }
}
