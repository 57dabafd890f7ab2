//! The routes, one file for each resource.

mod connection_list;
mod connections;
mod events;
mod kinds;
mod live;
mod me;
mod setups;
mod system;
mod tokens;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Api;

/// Returns all routes, with the paths below the base.
pub(crate) fn all() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(me::me))
        .routes(routes!(me::exchange))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(connection_list::list))
        .routes(routes!(connections::show, connections::rename, connections::remove))
        .routes(routes!(connections::verify))
        .routes(routes!(connections::refresh))
        .routes(routes!(connections::roll_back))
        .routes(routes!(connections::set_default))
        .routes(routes!(connections::reauthorize))
        .routes(routes!(connections::removal))
        .routes(routes!(events::of_connection))
        .routes(routes!(events::list))
        .routes(routes!(kinds::list))
        .routes(routes!(kinds::show))
        .routes(routes!(setups::list, setups::begin))
        .routes(routes!(setups::show, setups::cancel))
        .routes(routes!(setups::answer))
        .routes(routes!(setups::confirm))
        .routes(routes!(setups::resume))
        .routes(routes!(live::live))
        .routes(routes!(system::system))
}
