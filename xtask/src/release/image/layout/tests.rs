//! Tests of the layout of an image: that each part is there under the digest by which others name it.

use std::path::PathBuf;

use super::*;

/// Writes the layout of an image with a layer of these bytes, and returns its directory.
fn layout(place: &Path, architecture: &str, layer: &[u8]) -> PathBuf {
    let archive = place.join(format!("{architecture}.tar"));
    fs::write(&archive, layer).unwrap();
    let directory = place.join(architecture);
    let image = Contents {
        config: json!({ "User": "10001:10001", "Cmd": ["serve"] }),
        architecture,
        created: "2026-01-02T03:04:05Z",
        labels: Map::from_iter([("org.opencontainers.image.title".to_owned(), json!("Connections"))]),
        layer: &archive,
        name: "connections:0.1.0",
    };
    write(&directory, image).unwrap();
    directory
}

/// Reads the part that a description names, and checks its digest and its size.
fn part(directory: &Path, description: &Value) -> Vec<u8> {
    let named = description["digest"].as_str().unwrap();
    let bytes = read(&path(directory, named)).unwrap();
    assert_eq!(digest(&bytes), named);
    assert_eq!(description["size"], json!(bytes.len()));
    bytes
}

fn json_part(directory: &Path, description: &Value) -> Value {
    serde_json::from_slice(&part(directory, description)).unwrap()
}

#[test]
fn each_part_of_an_image_is_named_by_its_digest() {
    let place = tempfile::tempdir().unwrap();
    let directory = layout(place.path(), "amd64", b"the files");
    assert_eq!(parsed(&directory.join("oci-layout")).unwrap(), json!({ "imageLayoutVersion": "1.0.0" }));
    let index = parsed(&directory.join("index.json")).unwrap();
    assert_eq!(index["manifests"][0]["annotations"][NAME], "connections:0.1.0");
    assert_eq!(index["manifests"][0]["platform"], json!({ "architecture": "amd64", "os": "linux" }));
    let manifest = json_part(&directory, &index["manifests"][0]);
    let config = json_part(&directory, &manifest["config"]);
    assert_eq!(config["config"]["User"], "10001:10001");
    assert_eq!(config["config"]["Labels"], manifest["annotations"]);
    assert_eq!(config["config"]["Labels"]["org.opencontainers.image.title"], "Connections");
    // The digest of the layer before it was compressed. `printf %s 'the files' | sha256sum` prints it.
    let plain = "sha256:c9bb9e745018de535f9d7ceaa260d515637d7fb8509c0cef00118599a696c067";
    assert_eq!(config["rootfs"], json!({ "type": "layers", "diff_ids": [plain] }));
    assert!(part(&directory, &manifest["layers"][0]).starts_with(&[0x1f, 0x8b]));
}

#[test]
fn the_same_layer_gives_the_same_image() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let index = |place: &Path| parsed(&layout(place, "amd64", b"the files").join("index.json")).unwrap();
    assert_eq!(index(one.path()), index(other.path()));
}

#[test]
fn images_for_several_architectures_are_joined_under_one_name() {
    let place = tempfile::tempdir().unwrap();
    let layouts = [layout(place.path(), "amd64", b"these"), layout(place.path(), "arm64", b"those")];
    let joined = place.path().join("joined");
    join(&joined, &[&layouts[0], &layouts[1]]).unwrap();
    let index = parsed(&joined.join("index.json")).unwrap();
    assert_eq!(index["manifests"][0]["annotations"], json!({ NAME: "connections:0.1.0" }));
    let images = json_part(&joined, &index["manifests"][0]);
    assert_eq!(images["annotations"]["org.opencontainers.image.title"], "Connections");
    for (number, architecture) in ["amd64", "arm64"].into_iter().enumerate() {
        let image = &images["manifests"][number];
        assert_eq!(image["platform"]["architecture"], architecture);
        let manifest = json_part(&joined, image);
        assert_eq!(json_part(&joined, &manifest["config"])["architecture"], architecture);
        part(&joined, &manifest["layers"][0]);
    }
}
