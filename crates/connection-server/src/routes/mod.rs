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

use crate::openapi::{Routes, documented};

pub use monitors::monitor_router;

pub(crate) use live::{Feeds, Streams};
pub(crate) use system::KnownKey;

/// Returns all routes, with the paths below the base.
pub(crate) fn all() -> Routes {
    Routes::new()
        .path(documented!(me::me))
        .path(documented!(me::exchange))
        .path(documented!(me::appearance))
        .path(documented!(owner::show, owner::set_name))
        .path(documented!(tokens::list, tokens::create))
        .path(documented!(tokens::revoke))
        .path(documented!(connection_list::list))
        .path(documented!(connections::show, connections::rename, connections::remove))
        .path(documented!(connections::verify))
        .path(documented!(connections::refresh))
        .path(documented!(connections::roll_back))
        .path(documented!(connections::set_default))
        .path(documented!(connections::set_tags))
        .path(documented!(connections::reauthorize))
        .path(documented!(connections::removal))
        .path(documented!(webhooks::show, webhooks::enable, webhooks::disable))
        .path(documented!(webhooks::reveal))
        .path(documented!(webhooks::rotate))
        .path(documented!(webhooks::end_grace))
        .path(documented!(webhooks::handshake))
        .path(documented!(webhooks::test))
        .path(documented!(webhooks::deliveries))
        .path(documented!(files::list))
        .path(documented!(files::content))
        .path(documented!(freezes::list, freezes::freeze))
        .path(documented!(freezes::thaw))
        .path(documented!(health::health))
        .path(documented!(usage::list))
        .path(documented!(usage::history, usage::fetch))
        .path(documented!(uses::list))
        .path(documented!(uses::show))
        .path(documented!(uses::erase))
        .path(documented!(send::of_connection))
        .merge(of_agents())
        .path(documented!(extensions::list, extensions::add))
        .path(documented!(extensions::show, extensions::remove))
        .path(documented!(extensions::grant))
        .path(documented!(extensions::revoke))
        .path(documented!(extensions::choose))
        .path(documented!(extensions::resolved))
        .path(documented!(extension_settings::preferences, extension_settings::set_preferences))
        .path(documented!(extension_settings::begin_hand_off))
        .path(documented!(hand_offs::follow))
        .path(documented!(send::of_extension))
        .path(documented!(events::of_connection))
        .path(documented!(events::list))
        .path(documented!(imports::import))
        .path(documented!(event_deliveries::list))
        .path(documented!(event_deliveries::retry))
        .path(documented!(kinds::list))
        .path(documented!(kinds::show))
        .path(documented!(kind_changes::show, kind_changes::accept))
        .path(documented!(kinds::forget_client))
        .path(documented!(profiles::list, profiles::create))
        .path(documented!(profiles::show, profiles::change, profiles::remove))
        .path(documented!(profiles::change_slot))
        .path(documented!(setup_links::create))
        .path(documented!(setups::list, setups::begin))
        .path(documented!(setups::show, setups::cancel))
        .path(documented!(setups::answer))
        .path(documented!(setups::confirm))
        .path(documented!(setups::resume))
        .path(documented!(live::live))
        .path(documented!(system::system))
        .path(documented!(doctor::doctor))
}

/// Returns the routes of agents: their grants and tokens, the clients that sign in, and what a person is asked.
fn of_agents() -> Routes {
    Routes::new()
        .path(documented!(agents::list, agents::create))
        .path(documented!(agents::show, agents::remove))
        .path(documented!(agents::grant, agents::revoke))
        .path(documented!(agents::preview))
        .path(documented!(agents::explain))
        .path(documented!(agents::learned))
        .path(documented!(agents::create_token))
        .path(documented!(agents::revoke_token))
        .path(documented!(consents::create))
        .path(documented!(consents::read))
        .path(documented!(consents::refuse))
        .path(documented!(approvals::list))
        .path(documented!(approvals::show))
        .path(documented!(approvals::approve))
        .path(documented!(approvals::refuse))
}
