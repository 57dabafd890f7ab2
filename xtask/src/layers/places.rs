//! Which packages of the workspace use which fixed package from elsewhere.

use crate::layers::metadata::{Kind, Package};
use crate::layers::table::PLACES;

/// Direct dependencies on a package that has its place elsewhere.
pub(crate) fn findings(packages: &[Package]) -> Vec<String> {
    let mut findings = Vec::new();
    for package in packages {
        for dependency in package.dependencies.iter().filter(|dependency| dependency.kind != Kind::Dev) {
            let place = PLACES.iter().find(|place| place.dependency == dependency.name);
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
