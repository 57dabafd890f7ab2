//! A check of the external packages that only some packages of the workspace may use.

use crate::layers::metadata::{Kind, Package};
use crate::layers::table::EXTERNAL_PACKAGES;

/// Returns the direct dependencies on an external package that the table does not allow.
pub(crate) fn findings(packages: &[Package]) -> Vec<String> {
    let mut findings = Vec::new();
    for package in packages {
        for dependency in package.dependencies.iter().filter(|dependency| dependency.kind != Kind::Dev) {
            let place = EXTERNAL_PACKAGES.iter().find(|place| place.dependency == dependency.name);
            if let Some(place) = place
                && !place.packages.contains(&package.name.as_str())
            {
                findings.push(format!(
                    "{} must not depend on {}, whose place is {} ({})",
                    package.name,
                    place.dependency,
                    place.packages.join(", "),
                    place.purpose,
                ));
            }
        }
    }
    findings
}
