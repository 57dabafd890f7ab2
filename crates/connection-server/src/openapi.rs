//! The OpenAPI document, which is made from the handlers.

use axum::{Router, http::StatusCode, http::header, routing::get};
use utoipa::openapi::{
    Components, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, ResponseBuilder,
    path::Operation,
    security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
};
use utoipa::{PartialSchema as _, ToSchema as _};
use utoipa_axum::router::OpenApiRouter;

use crate::{Api, BASE, problem::ProblemBody};

const TOKEN: &str = "token";

/// Splits the routes from their document, and adds to it what all operations have in common.
pub(crate) fn with_document(routes: OpenApiRouter<Api>) -> (Router<Api>, String) {
    let info = InfoBuilder::new().title("Connections").version("1").build();
    let empty = OpenApiBuilder::new().info(info).build();
    let (router, mut document) = OpenApiRouter::with_openapi(empty).nest(BASE, routes).split_for_parts();
    complete(&mut document);
    // The document has string keys, so serializing it cannot fail.
    (router, document.to_json().unwrap_or_default())
}

/// Returns the route of the document.
pub(crate) fn route(document: &str) -> Router<Api> {
    let document = document.to_owned();
    let show = async move || (StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], document.clone());
    Router::new().route(&format!("{BASE}/openapi.json"), get(show))
}

fn complete(document: &mut OpenApi) {
    let components = document.components.get_or_insert_with(Components::new);
    let mut schemas = vec![(ProblemBody::name().into_owned(), ProblemBody::schema())];
    ProblemBody::schemas(&mut schemas);
    components.schemas.extend(schemas);
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    components.add_security_scheme(TOKEN, SecurityScheme::Http(bearer));
    for item in document.paths.paths.values_mut() {
        let operations =
            [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch].into_iter().flatten();
        operations.for_each(complete_operation);
    }
}

fn complete_operation(operation: &mut Operation) {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(ProblemBody::name()))).build();
    let problem = ResponseBuilder::new()
        .description("The request was refused.")
        .content("application/problem+json", content)
        .build();
    operation.responses.responses.insert("default".to_owned(), RefOr::T(problem));
    // An operation that states its own security needs no token.
    operation.security.get_or_insert_with(|| vec![SecurityRequirement::new::<_, [&str; 0], &str>(TOKEN, [])]);
}
