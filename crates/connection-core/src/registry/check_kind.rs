//! Checks a plugin at its registration: what it says about itself, and what it declares for its local tool.

use connection_contract::DisplayText;
use connection_replay::descriptor::{self, Facets, Pattern};
use regex::Regex;

use crate::{
    RegisterError, contain,
    definition::Definition,
    kinds::{Activation, KindEntry, Terms},
    profile_rows, sandbox_rules,
};

/// Describes and checks a plugin. A kind is registered only with the entry that this function returns.
pub(super) fn check(definition: Definition) -> Result<KindEntry, RegisterError> {
    let describe = || {
        let facets =
            (definition.signing_key(), definition.profiles(), definition.sandbox(), definition.usage_poll_interval());
        (definition.descriptor(), definition.capabilities(), facets)
    };
    let (descriptor, capabilities, facets) = contain::call(describe).ok_or(RegisterError::Panicked)?;
    let (signing_key, profiles, sandbox, poll_interval) = facets;
    let local =
        profile_rows::check(profiles.as_ref()).and_then(|()| sandbox_rules::check(sandbox.as_ref(), profiles.as_ref()));
    let of_tool = || match (profiles.is_some() || sandbox.is_some(), descriptor.tools.is_empty()) {
        (true, true) => Err("it has profiles or a container but declares no tool for them".to_owned()),
        _ => Ok(()),
    };
    let checked = local
        .and_then(|()| of_tool())
        .and_then(|()| {
            let facets = Facets { secrets: capabilities.secrets, profiles: capabilities.profiles };
            descriptor::check(&descriptor, facets, compile)
        })
        // The problem may contain text of the plugin.
        .map_err(|problem| DisplayText::from(problem).to_string())
        .map_err(|problem| RegisterError::Descriptor { kind: descriptor.kind.clone(), problem })?;
    let activation = Activation::default();
    Ok(KindEntry {
        definition,
        terms: Terms::of(&descriptor),
        descriptor,
        capabilities,
        signing_key,
        profiles,
        sandbox,
        checked,
        poll_interval,
        activation,
    })
}

fn compile(pattern: &str) -> Option<Pattern> {
    let pattern = Regex::new(pattern).ok()?;
    Some(Pattern::new(move |text| pattern.is_match(text)))
}
