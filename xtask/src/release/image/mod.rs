//! The container image: a root file system of Debian's packages and ours, in the layout of the Open Container
//! Initiative. No container engine and no daemon takes part.
//!
//! The same packages give the same image, byte for byte.

mod layout;
pub(super) mod root;

pub(super) use layout::join;

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::process;
use crate::release::image::layout::Contents;
use crate::release::{absolute, archive, epoch, version};
use crate::workspace::Workspace;

/// How the image is run, as container engines read it.
pub(super) const CONFIG: &str = "packaging/container/config.json";

/// The beginning of the name of each label and annotation.
const PREFIX: &str = "org.opencontainers.image";

/// The two forms of an image: the directory of its layout, and an archive of this directory, which `podman load` reads.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) layout: PathBuf,
    pub(super) archive: PathBuf,
}

/// Returns the name of the image in its layout and in its archive.
pub(super) fn named(version: &str) -> String {
    format!("connections:{version}")
}

/// Fetches Debian's packages, and builds the image of our package into a directory.
pub(super) fn fetch_and_build(workspace: &Workspace, package: &Path, directory: &Path) -> Result<Image, Failure> {
    let place = temporary()?;
    root::fetch(place.path(), &[])?;
    build(workspace, package, place.path(), directory)
}

/// Builds the image of our package into a directory, from Debian's packages in another one.
pub(super) fn build(workspace: &Workspace, package: &Path, debs: &Path, directory: &Path) -> Result<Image, Failure> {
    let place = temporary()?;
    let layer = place.path().join("layer.tar");
    let time = epoch(workspace);
    root::make(package, debs, &root::Kind::Image { finish: &workspace.root().join(root::FINISH) }, &layer, &time)?;
    let config = workspace.text(CONFIG)?.unwrap_or_default();
    let config = serde_json::from_str(&config).map_err(|error| Failure::new(format!("{CONFIG}: {error}")))?;
    let architecture = root::field(package, "Architecture")?;
    let date = format!("--date=@{time}");
    let created = process::output(&mut process::tool(place.path(), "date", &["--utc", &date, "+%Y-%m-%dT%H:%M:%SZ"]))?;
    let version = version(workspace)?;
    let name = format!("connections-{version}-image-{architecture}");
    let layout_directory = directory.join(&name);
    let contents = Contents {
        config,
        architecture: &architecture,
        created: created.trim(),
        labels: labels(workspace, &version, created.trim())?,
        layer: &layer,
        name: &named(&version),
    };
    layout::write(&layout_directory, contents)?;
    let archive = absolute(directory)?.join(format!("{name}.tar"));
    let parts = ["oci-layout", "index.json", "blobs"];
    process::run(archive::tar(&layout_directory, &time).arg("-cf").arg(&archive).args(parts))?;
    println!("release: {}", archive.display());
    Ok(Image { layout: layout_directory, archive })
}

/// Returns the labels of the image.
fn labels(workspace: &Workspace, version: &str, created: &str) -> Result<Map<String, Value>, Failure> {
    let manifest: toml::Table = workspace.text("Cargo.toml")?.unwrap_or_default().parse().unwrap_or_default();
    let package = manifest.get("workspace").and_then(|workspace| workspace.get("package"));
    let said = |key: &str| package.and_then(|package| package.get(key)).and_then(toml::Value::as_str);
    let address = said("repository").unwrap_or_default();
    let revision = process::output(&mut process::tool(workspace.root(), "git", &["rev-parse", "HEAD"]));
    let labels = [
        ("title", json!("Connections")),
        ("description", json!("Connect accounts and use them without handling secrets")),
        ("version", json!(version)),
        ("created", json!(created)),
        ("revision", json!(revision.unwrap_or_default().trim())),
        ("licenses", json!(said("license"))),
        ("source", json!(address)),
        ("url", json!(address)),
        ("documentation", json!(format!("{address}/blob/v{version}/docs/guide/operators.md"))),
    ];
    Ok(labels.into_iter().map(|(name, value)| (format!("{PREFIX}.{name}"), value)).collect())
}

fn temporary() -> Result<tempfile::TempDir, Failure> {
    tempfile::tempdir().map_err(|error| Failure::new(format!("a directory for the image: {error}")))
}
