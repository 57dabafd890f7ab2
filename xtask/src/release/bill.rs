//! The bill of materials of the program, in the format CycloneDX 1.5.
//!
//! It contains no time and no random number, so that the same sources give the same file.

use serde_json::{Value, json};

use crate::failure::Failure;
use crate::release::components::{Component, Components};
use crate::release::page_files::{self, PageFile};
use crate::release::version;
use crate::workspace::Workspace;

/// Returns the document.
pub(super) fn text(workspace: &Workspace, components: &Components) -> Result<String, Failure> {
    let document = document(&version(workspace)?, components, &page_files::packages(workspace)?);
    let text = serde_json::to_string_pretty(&document).map_err(|error| Failure::new(format!("the bill: {error}")))?;
    Ok(text + "\n")
}

pub(super) fn document(version: &str, components: &Components, page: &[PageFile]) -> Value {
    let packages = components.0.values().map(package).chain(page.iter().map(page_file));
    let mut dependencies: Vec<Value> = components.0.values().map(depends).collect();
    let program = format!("connections@{version}");
    // The files of the page are embedded in the server.
    let page: Vec<String> = page.iter().map(npm).collect();
    let all: Vec<String> = std::iter::once(cargo("connection-host", version)).chain(page).collect();
    dependencies.push(json!({ "ref": program, "dependsOn": all }));
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": { "type": "application", "bom-ref": program, "name": "connections", "version": version },
        },
        "components": packages.collect::<Vec<_>>(),
        "dependencies": dependencies,
    })
}

fn package(component: &Component) -> Value {
    let address = cargo(&component.name, &component.version);
    let mut value = json!({
        "type": "library",
        "bom-ref": address,
        "name": component.name,
        "version": component.version,
        "purl": address,
        "licenses": [{ "expression": component.license }],
    });
    if let (Some(checksum), Some(value)) = (&component.checksum, value.as_object_mut()) {
        value.insert("hashes".to_owned(), json!([{ "alg": "SHA-256", "content": checksum }]));
    }
    value
}

fn page_file(file: &PageFile) -> Value {
    json!({
        "type": "library",
        "bom-ref": npm(file),
        "name": file.name,
        "version": file.version,
        "purl": npm(file),
        "licenses": [{ "expression": file.license }],
    })
}

fn depends(component: &Component) -> Value {
    let on: Vec<String> = component.dependencies.iter().map(|(name, version)| cargo(name, version)).collect();
    json!({ "ref": cargo(&component.name, &component.version), "dependsOn": on })
}

/// Returns the package URL of a package in the registry of cargo.
fn cargo(name: &str, version: &str) -> String {
    // A `+` of a version is not allowed in a package URL.
    format!("pkg:cargo/{name}@{}", version.replace('+', "%2B"))
}

/// Returns the package URL of a package in the registry of npm.
fn npm(file: &PageFile) -> String {
    format!("pkg:npm/{}@{}", file.name.replace('@', "%40"), file.version)
}
