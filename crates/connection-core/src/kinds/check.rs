//! Checks a plugin at its registration: what it says about itself, and what it declares for its local tool.

use connection_contract::DisplayText;
use connection_replay::{
    answer::Pattern,
    descriptor::{self, Facets},
};
use regex::Regex;

use super::{Activation, AgreedTexts, KindEntry, RegisterError, Terms};
use crate::{contain, definition::Definition};

/// Describes and checks a plugin that serves every owner. A kind is registered only with the entry that this function
/// returns.
pub(crate) fn check(definition: Definition) -> Result<KindEntry, RegisterError> {
    let entry = described(definition)?;
    match &entry.descriptor.extension {
        None => Ok(entry),
        // Otherwise, the extension of one owner would change the kind of the same name of all others.
        Some(extension) => Err(RegisterError::Descriptor {
            kind: entry.kind().clone(),
            problem: format!(
                "it belongs to the extension '{extension}', so only an owner who adds that extension has it"
            ),
        }),
    }
}

/// Describes and checks a plugin that belongs to an extension of one owner.
pub(super) fn check_own(definition: Definition) -> Result<KindEntry, RegisterError> {
    let entry = described(definition)?;
    match entry.descriptor.extension {
        Some(_) => Ok(entry),
        None => {
            let problem = "it serves every owner".to_owned();
            Err(RegisterError::Descriptor { kind: entry.descriptor.kind, problem })
        }
    }
}

fn described(definition: Definition) -> Result<KindEntry, RegisterError> {
    let describe = || {
        let facets =
            (definition.signing_key(), definition.profiles(), definition.sandbox(), definition.usage_poll_interval());
        let attaching = (definition.reads_body(), definition.is_immediate(), definition.seats());
        (definition.descriptor(), definition.capabilities(), attaching, facets)
    };
    let (descriptor, capabilities, (reads_body, is_immediate, seats), facets) =
        contain::call(describe).ok_or(RegisterError::Panicked)?;
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
        reads_body,
        is_immediate,
        seats,
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
