//! The layout of an image: each part is a file that is named after its SHA-256 digest, and other parts name it by that
//! digest, up to `index.json`. The specification is <https://github.com/opencontainers/image-spec>.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::failure::Failure;
use crate::process;
use crate::release::write as write_text;

const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// The annotation with the name under which tools find an image in its layout.
const NAME: &str = "org.opencontainers.image.ref.name";

/// What an image consists of.
pub(in crate::release) struct Contents<'a> {
    /// How the image is run.
    pub(in crate::release) config: Value,
    /// The architecture of its programs, as Debian and Go name it.
    pub(in crate::release) architecture: &'a str,
    /// The time at which its parts were made.
    pub(in crate::release) created: &'a str,
    pub(in crate::release) labels: Map<String, Value>,
    /// The archive of its root file system.
    pub(in crate::release) layer: &'a Path,
    /// The name of the image in its layout.
    pub(in crate::release) name: &'a str,
}

/// Writes the layout of an image with one layer.
pub(in crate::release) fn write(directory: &Path, image: Contents<'_>) -> Result<(), Failure> {
    let Contents { mut config, architecture, created, labels, layer, name } = image;
    let plain = digest(&read(layer)?);
    // The name and the time of the file are left out, so that the same layer gives the same archive.
    process::run(process::tool(Path::new("."), "gzip", &["--best", "--no-name", "--force"]).arg(layer))?;
    let layer = blob(directory, LAYER, &read(&layer.with_added_extension("gz"))?)?;
    if let Some(config) = config.as_object_mut() {
        config.insert("Labels".to_owned(), json!(labels));
    }
    let config = json!({
        "architecture": architecture,
        "os": "linux",
        "created": created,
        "config": config,
        "rootfs": { "type": "layers", "diff_ids": [plain] },
        "history": [{ "created": created, "created_by": "mmdebstrap" }],
    });
    let config = blob(directory, CONFIG, config.to_string().as_bytes())?;
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config,
        "layers": [layer],
        "annotations": labels,
    });
    let mut manifest = blob(directory, MANIFEST, manifest.to_string().as_bytes())?;
    set(&mut manifest, "platform", json!({ "architecture": architecture, "os": "linux" }));
    set(&mut manifest, "annotations", json!({ NAME: name }));
    finish(directory, manifest)
}

/// Writes a layout that joins the images of others, one for each architecture.
pub(in crate::release) fn join(directory: &Path, layouts: &[&Path]) -> Result<(), Failure> {
    let mut manifests = Vec::new();
    let mut labels = json!({});
    let mut name = json!({});
    for layout in layouts {
        let index = parsed(&layout.join("index.json"))?;
        for manifest in index.get("manifests").and_then(Value::as_array).into_iter().flatten() {
            let mut manifest = manifest.clone();
            let named = manifest.get("digest").and_then(Value::as_str).unwrap_or_default();
            let described = parsed(&path(layout, named))?;
            labels = described.get("annotations").cloned().unwrap_or_default();
            name = manifest.as_object_mut().and_then(|manifest| manifest.remove("annotations")).unwrap_or_default();
            manifests.push(manifest);
        }
        let blobs = layout.join("blobs/sha256");
        let failed = |error| Failure::new(format!("cannot list {}: {error}", blobs.display()));
        for entry in fs::read_dir(&blobs).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            crate::release::copy(&entry.path(), &directory.join("blobs/sha256").join(entry.file_name()))?;
        }
    }
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests, "annotations": labels });
    let mut index = blob(directory, INDEX, index.to_string().as_bytes())?;
    set(&mut index, "annotations", name);
    finish(directory, index)
}

/// Writes the files by which tools recognize a layout, with the one entry of its index.
fn finish(directory: &Path, entry: Value) -> Result<(), Failure> {
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [entry] });
    write_text(&directory.join("index.json"), &index.to_string())?;
    write_text(&directory.join("oci-layout"), &json!({ "imageLayoutVersion": "1.0.0" }).to_string())
}

/// Writes a part, and returns its description for the part that contains it.
fn blob(directory: &Path, media_type: &str, bytes: &[u8]) -> Result<Value, Failure> {
    let digest = digest(bytes);
    let path = path(directory, &digest);
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, bytes));
    written.map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))?;
    Ok(json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() }))
}

/// Returns the path of a part.
fn path(directory: &Path, digest: &str) -> std::path::PathBuf {
    directory.join("blobs").join(digest.replace(':', "/"))
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

fn set(description: &mut Value, key: &str, value: Value) {
    if let Some(description) = description.as_object_mut() {
        description.insert(key.to_owned(), value);
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::new(format!("cannot read {}: {error}", path.display())))
}

fn parsed(path: &Path) -> Result<Value, Failure> {
    serde_json::from_slice(&read(path)?).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

#[cfg(test)]
mod tests;
