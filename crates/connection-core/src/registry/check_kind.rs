//! Checks a plugin at its registration: what it says about itself, and what it declares for its local tool.

use connection_contract::DisplayText;
use connection_replay::descriptor::{self, Facets, Pattern};
use regex::Regex;

use crate::{
    RegisterError, contain,
    definition::Definition,
    kinds::{Activation, AgreedTexts, KindEntry, Terms},
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
    let facets = Facets { secrets: capabilities.secrets, profiles: profiles.as_ref(), sandbox: sandbox.as_ref() };
    let checked = descriptor::check(&descriptor, facets, compile)
        // The problem may contain text of the plugin.
        .map_err(|problem| DisplayText::from(problem).to_string())
        .map_err(|problem| RegisterError::Descriptor { kind: descriptor.kind.clone(), problem })?;
    let activation = Activation::default();
    Ok(KindEntry {
        definition,
        terms: Terms::of(&descriptor),
        texts: AgreedTexts::default(),
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
