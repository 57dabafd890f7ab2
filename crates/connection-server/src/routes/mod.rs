//! The routes, one file for each resource.

mod agents;
mod approvals;
mod connection_list;
mod connections;
mod consents;
mod doctor;
mod event_deliveries;
mod events;
mod extension_settings;
mod extensions;
mod files;
mod freezes;
mod hand_offs;
mod health;
mod imports;
mod kind_changes;
mod kinds;
mod live;
mod me;
mod monitors;
mod owner;
mod profiles;
mod send;
mod setup_links;
mod setup_poll;
mod setups;
mod system;
mod tokens;
mod usage;
mod uses;
mod webhooks;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Api;

pub use monitors::monitor_router;

pub(crate) use live::{Feeds, Streams};
pub(crate) use system::KnownKey;

/// Returns all routes, with the paths below the base.
pub(crate) fn all() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(me::me))
        .routes(routes!(me::exchange))
        .routes(routes!(me::appearance))
        .routes(routes!(owner::show, owner::set_name))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(connection_list::list))
        .routes(routes!(connections::show, connections::rename, connections::remove))
        .routes(routes!(connections::verify))
        .routes(routes!(connections::refresh))
        .routes(routes!(connections::roll_back))
        .routes(routes!(connections::set_default))
        .routes(routes!(connections::set_tags))
        .routes(routes!(connections::reauthorize))
        .routes(routes!(connections::removal))
        .routes(routes!(webhooks::show, webhooks::enable, webhooks::disable))
        .routes(routes!(webhooks::reveal))
        .routes(routes!(webhooks::rotate))
        .routes(routes!(webhooks::end_grace))
        .routes(routes!(webhooks::handshake))
        .routes(routes!(webhooks::test))
        .routes(routes!(webhooks::deliveries))
        .routes(routes!(files::list))
        .routes(routes!(files::content))
        .routes(routes!(freezes::list, freezes::freeze))
        .routes(routes!(freezes::thaw))
        .routes(routes!(health::health))
        .routes(routes!(usage::list))
        .routes(routes!(usage::history, usage::fetch))
        .routes(routes!(uses::list))
        .routes(routes!(uses::show))
        .routes(routes!(uses::erase))
        .routes(routes!(send::of_connection))
        .merge(of_agents())
        .routes(routes!(extensions::list, extensions::add))
        .routes(routes!(extensions::show, extensions::remove))
        .routes(routes!(extensions::grant))
        .routes(routes!(extensions::revoke))
        .routes(routes!(extensions::choose))
        .routes(routes!(extensions::resolved))
        .routes(routes!(extension_settings::preferences, extension_settings::set_preferences))
        .routes(routes!(extension_settings::begin_hand_off))
        .routes(routes!(hand_offs::follow))
        .routes(routes!(send::of_extension))
        .routes(routes!(events::of_connection))
        .routes(routes!(events::list))
        .routes(routes!(imports::import))
        .routes(routes!(event_deliveries::list))
        .routes(routes!(event_deliveries::retry))
        .routes(routes!(kinds::list))
        .routes(routes!(kinds::show))
        .routes(routes!(kind_changes::show, kind_changes::accept))
        .routes(routes!(kinds::forget_client))
        .routes(routes!(profiles::list, profiles::create))
        .routes(routes!(profiles::show, profiles::change, profiles::remove))
        .routes(routes!(profiles::change_slot))
        .routes(routes!(setup_links::create))
        .routes(routes!(setups::list, setups::begin))
        .routes(routes!(setups::show, setups::cancel))
        .routes(routes!(setups::answer))
        .routes(routes!(setups::confirm))
        .routes(routes!(setups::resume))
        .routes(routes!(live::live))
        .routes(routes!(system::system))
        .routes(routes!(doctor::doctor))
}

/// Returns the routes of agents: their grants and tokens, the clients that sign in, and what a person is asked.
fn of_agents() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(agents::list, agents::create))
        .routes(routes!(agents::show, agents::remove))
        .routes(routes!(agents::grant, agents::revoke))
        .routes(routes!(agents::preview))
        .routes(routes!(agents::explain))
        .routes(routes!(agents::learned))
        .routes(routes!(agents::create_token))
        .routes(routes!(agents::revoke_token))
        .routes(routes!(consents::create))
        .routes(routes!(consents::read))
        .routes(routes!(consents::refuse))
        .routes(routes!(approvals::list))
        .routes(routes!(approvals::show))
        .routes(routes!(approvals::approve))
        .routes(routes!(approvals::refuse))
}
