//! `serve` answers as `docs/spec/inbound.md` says.

use super::{Serving, machine};

const PAGE: &str = include_str!("../../../../../docs/spec/inbound.md");

#[test]
fn serve_answers_as_specified() {
    let section = PAGE.split("\n## ").find(|section| section.starts_with("What `serve` answers")).unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")).filter_map(|line| {
        let (request, rest) = line.split_once("` | ")?;
        let (method, path) = request.split_once(' ')?;
        Some((method.to_owned(), path.to_owned(), rest.split(' ').next()?.parse::<u16>().ok()?))
    });
    let rows: Vec<_> = rows.collect();
    assert!(rows.len() >= 8, "{rows:?}");
    let machine = machine();
    let serving = Serving::start(&machine);
    for (method, path, status) in rows {
        let answer = serving.ask(&method, &path, "", b"");
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{method} {path}");
    }
}
