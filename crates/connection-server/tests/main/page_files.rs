//! The page is served with its files, compressed, and with a policy that allows nothing else.

use std::{collections::BTreeSet, fs, path::Path};

use crate::{http::Request, test_host::World};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/page");
/// The files of the page's directory that no browser needs.
const NOT_SERVED: [&str; 4] = ["README.md", "dev/", "index.html", "vendor/README.md"];
/// The size of the first screen that a browser may have to load, compressed.
const BUDGET: usize = 150_000;

fn files(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, found),
            false => drop(found.insert(path.strip_prefix(PAGE).unwrap().to_str().unwrap().replace('\\', "/"))),
        }
    }
}

/// Returns the document, and the path of the assets in it.
async fn document(world: &World) -> (String, String) {
    let answer = get("/").send(world.port).await;
    let (_, rest) = answer.body.split_once("src=\"").unwrap();
    let (script, _) = rest.split_once('"').unwrap();
    let assets = script.strip_suffix("/main.js").unwrap().to_owned();
    (answer.body, assets)
}

fn get(path: &str) -> Request {
    Request::new("GET", path).with("host", "127.0.0.1")
}

#[tokio::test]
async fn every_file_of_the_page_is_served_and_kept_by_browsers() {
    let world = World::new().await;
    let (_, assets) = document(&world).await;
    let mut expected = BTreeSet::new();
    files(Path::new(PAGE), &mut expected);
    expected.retain(|path| !NOT_SERVED.iter().any(|start| path.starts_with(start)));
    assert!(expected.len() > 40, "{expected:?}");
    for path in expected {
        let (answer, body) = get(&format!("{assets}/{path}")).send_for_bytes(world.port).await;
        assert_eq!(answer.status, 200, "{path}: name it in src/page/files.rs");
        assert_eq!(body, fs::read(Path::new(PAGE).join(&path)).unwrap(), "{path}");
        assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        let expected = match path.rsplit_once('.') {
            Some((_, "js")) => "text/javascript; charset=utf-8",
            Some((_, "css")) => "text/css; charset=utf-8",
            Some((_, "svg")) => "image/svg+xml",
            Some((_, "woff2")) => "font/woff2",
            _ => "text/plain; charset=utf-8",
        };
        assert_eq!(answer.header("content-type"), expected, "{path}");
    }
    for path in ["dev/logos.mjs", "README.md", "index.html", "../Cargo.toml", "%2e%2e/Cargo.toml", "", "nothing.js"] {
        assert_eq!(get(&format!("{assets}/{path}")).send(world.port).await.status, 404, "{path}");
    }
    let other = assets.replace("/assets/", "/assets/0");
    assert_eq!(get(&format!("{other}/main.js")).send(world.port).await.status, 404);
}

/// Returns a path of each screen that the page's script knows.
fn screens() -> Vec<String> {
    let script = fs::read_to_string(Path::new(PAGE).join("main.js")).unwrap();
    let (_, rest) = script.split_once("const SCREENS = [").unwrap();
    let (list, _) = rest.split_once("];").unwrap();
    let patterns = list.lines().filter_map(|line| line.trim().strip_prefix("['")?.split('\'').next());
    patterns.map(|pattern| pattern.replace(':', "some-")).collect()
}

#[tokio::test]
async fn the_document_is_at_the_path_of_each_screen_and_allows_only_its_own_files() {
    let world = World::new().await;
    let (text, _) = document(&world).await;
    assert!(!text.contains('%'), "{text}");
    let screens = screens();
    assert!(screens.len() > 10, "{screens:?}");
    for path in screens.iter().map(String::as_str).chain(["/link"]) {
        let answer = get(path).send(world.port).await;
        assert_eq!((answer.status, &answer.body), (200, &text), "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        let known = get(path).with("if-none-match", answer.header("etag")).send(world.port).await;
        assert_eq!((known.status, known.body.as_str()), (304, ""));
    }
    assert_eq!(Request::new("POST", "/").with("host", "127.0.0.1").send(world.port).await.status, 405);
}

#[tokio::test]
async fn the_first_screen_is_small_and_its_files_are_named_in_the_document() {
    let world = World::new().await;
    let (text, assets) = document(&world).await;
    let (answer, document) = get("/").with("accept-encoding", "gzip, br").send_for_bytes(world.port).await;
    assert_eq!(answer.header("content-encoding"), "gzip");
    let named = text.split('"').filter(|part| part.starts_with(&assets)).collect::<BTreeSet<_>>();
    assert!(named.len() > 15, "{named:?}");
    let mut size = document.len();
    for path in named {
        let (answer, body) = get(path).with("accept-encoding", "gzip").send_for_bytes(world.port).await;
        assert_eq!(answer.status, 200, "{path}");
        size += body.len();
    }
    assert!(size <= BUDGET, "the first screen has {size} bytes");
    let plain = get("/").with("accept-encoding", "gzip;q=0").send(world.port).await;
    assert_eq!((plain.header("content-encoding"), plain.header("vary")), ("", "accept-encoding"));
    assert_eq!(plain.body, text);
}
