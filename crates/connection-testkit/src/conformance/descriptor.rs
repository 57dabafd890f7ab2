//! Descriptors: the same each time, and accepted by a host.

use std::{collections::HashSet, fmt::Debug};

use connection_contract::{ConnectionDefinition, Descriptor};

use super::Suite;
use crate::{check, fault::fail};

impl<D: ConnectionDefinition> Suite<D>
where
    D::Credential: Debug,
{
    /// Checks that the descriptor is the same each time, is valid, and fits the facets of the kind.
    #[track_caller]
    pub(super) fn described(&self) {
        let definition = (self.make)();
        let descriptor = definition.descriptor();
        if format!("{descriptor:?}") != format!("{:?}", definition.descriptor()) {
            fail("the descriptor differs each time");
        }
        if let Err(problem) = check::descriptor(&definition, &descriptor) {
            fail(&format!("a host does not accept the descriptor: {problem}"));
        }
        if let Some(problem) = unusable(&descriptor) {
            fail(&format!("the descriptor {problem}"));
        }
        if !descriptor.origins.is_empty() && definition.authorizer().is_none() {
            fail("the descriptor declares addresses, and without an `authorizer` no request gets the credential");
        }
        if definition.secrets().is_some() == descriptor.secret_names.is_empty() {
            fail("the descriptor's secret names and the facet `secrets` do not go together");
        }
    }
}

/// Returns the problem of a descriptor that a host accepts and people cannot use.
fn unusable(descriptor: &Descriptor) -> Option<String> {
    if descriptor.display_name.as_str().is_empty() {
        return Some("has no name for people".to_owned());
    }
    if let Some(field) = descriptor.fields.iter().find(|field| field.label.as_str().is_empty()) {
        return Some(format!("has no label for the field '{}'", field.name));
    }
    let mut secrets = HashSet::new();
    let twice = descriptor.secret_names.iter().find(|name| !secrets.insert(*name))?;
    Some(format!("has the secret name '{twice}' twice"))
}
