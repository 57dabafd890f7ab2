//! The OpenAPI document, which is made from the handlers.

mod answers;
pub(crate) mod parameters;
pub(crate) mod refusals;
mod routes;

use std::sync::{Arc, OnceLock};

use axum::{Router, http::StatusCode, http::header, routing::get};
use connection_api::Problem;
use utoipa::{
    PartialSchema as _, ToSchema as _,
    openapi::{
        Components, InfoBuilder, OpenApi, OpenApiBuilder, Paths,
        path::Operation,
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};
use utoipa_axum::router::OpenApiRouter;

use crate::{Api, BASE};

use routes::Part;
pub(crate) use routes::{DocumentedPath, Routes, documented};

const TOKEN: &str = "token";
/// The operations that concern the caller's token, whatever its owner is.
const WITHOUT_OWNER: [&str; 4] = ["deleteTokensId", "getAppearance", "getMe", "postPageTokens"];

/// Returns the routes below the base, and the one of their document.
pub(crate) fn with_document(routes: Routes) -> Router<Api> {
    let Routes { router, parts } = routes;
    let made = Arc::new((parts, OnceLock::new()));
    let show = async move || {
        let (parts, document) = &*made;
        let document: &String = document.get_or_init(|| document_of(parts));
        (StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], document.clone())
    };
    Router::new().nest(BASE, router).route(&format!("{BASE}/openapi.json"), get(show))
}

/// Makes the document of its parts, and adds what all operations have in common.
fn document_of(parts: &[Part]) -> String {
    let info = InfoBuilder::new().title("Connections").version("1").build();
    let empty = OpenApiBuilder::new().info(info).build();
    let routes = parts.iter().fold(OpenApiRouter::<Api>::new(), |routes, part| routes.routes(part()));
    let (_, mut document) = OpenApiRouter::with_openapi(empty).nest(BASE, routes).split_for_parts();
    complete(&mut document);
    // The document has string keys, so serializing it cannot fail.
    document.to_json().unwrap_or_default()
}

fn complete(document: &mut OpenApi) {
    let components = document.components.get_or_insert_with(Components::new);
    let mut schemas = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut schemas);
    components.schemas.extend(schemas);
    components.responses.extend(refusals::all());
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    components.add_security_scheme(TOKEN, SecurityScheme::Http(bearer));
    for (method, path, operation) in operations(&mut document.paths) {
        let id = operation_id(method, path);
        // An operation that states its own security needs no token.
        let needs_token = operation.security.is_none();
        operation.security.get_or_insert_with(|| vec![SecurityRequirement::new::<_, [&str; 0], &str>(TOKEN, [])]);
        if !WITHOUT_OWNER.contains(&id.as_str()) {
            parameters::add_owner(operation);
        }
        parameters::without_null(operation);
        refusals::add(operation, needs_token, method != "get");
        operation.operation_id = Some(id);
    }
    answers::require_members(document);
    answers::shorten_descriptions(document);
}

/// Returns the operations with their methods and paths.
fn operations(paths: &mut Paths) -> impl Iterator<Item = (&'static str, &str, &mut Operation)> {
    paths.paths.iter_mut().flat_map(|(path, item)| {
        let operations = [
            ("get", &mut item.get),
            ("put", &mut item.put),
            ("post", &mut item.post),
            ("delete", &mut item.delete),
            ("patch", &mut item.patch),
        ];
        operations.into_iter().filter_map(|(method, found)| Some((method, path.as_str(), found.as_mut()?)))
    })
}

/// Returns an id that no other operation has, such as `getConnectionsIdEvents`.
fn operation_id(method: &str, path: &str) -> String {
    let below = path.strip_prefix(BASE).unwrap_or(path);
    let words = below.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(method.to_owned(), |mut id, word| {
        let (first, rest) = word.split_at(1);
        id.push_str(&first.to_ascii_uppercase());
        id.push_str(rest);
        id
    })
}
