//! Journals are stored, so the fingerprint of a request never changes.

use connection_contract::{AuthType, Descriptor, Field, HttpRequest, Kind, Secret, ToolSpec, Wait, host};
use connection_replay::{EffectRequest, Part};

use crate::memory::{Came, Memory, run};

fn descriptor() -> Descriptor {
    let descriptor = Descriptor::new(Kind::from_static("acme"), "Acme", AuthType::ApiKey);
    descriptor.field(Field::text("one", "One")).field(Field::text("two", "Two"))
}

/// Returns the fingerprint with `#` in place of each hash, because the host chooses the digest.
fn form(question: &EffectRequest<'_>) -> String {
    let host = Memory::new(descriptor(), Vec::new());
    let fingerprint = question.fingerprint(&host);
    let is_hash = |word: &&str| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    fingerprint.split(' ').map(|word| if is_hash(&word) { "#" } else { word }).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_fingerprint_has_the_form_that_is_stored() {
    let root = host::granted_directory("/home/ada");
    let tool = ToolSpec::new("claude");
    let base = host::base_url("https://api.acme.example").unwrap();
    let request = HttpRequest::get(&base, "/me");
    let value = Secret::from("value");
    let shared = Part::shared(&["https://b.example".into(), "https://a.example".into()]);
    for (question, expected) in [
        (EffectRequest::Allocate, "1 allocate"),
        (EffectRequest::Cached { root: &root, path: "a", version: 3 }, "1 cached # 3"),
        (EffectRequest::Find(&tool), "1 find #"),
        (EffectRequest::Version(&tool), "1 version #"),
        (EffectRequest::Get { verb: "get", part: &Part::Public, key: "k" }, "1 get # -"),
        (EffectRequest::Get { verb: "lent get", part: &Part::Secret, key: "k" }, "1 lent get secret # -"),
        (
            EffectRequest::Put { verb: "put", part: &shared, key: "k", value: Some(&value) },
            "1 put shared https://a.example https://b.example # #",
        ),
        (EffectRequest::Put { verb: "put", part: &Part::Public, key: "k", value: None }, "1 put # -"),
        (EffectRequest::List(&root, "a"), "1 list #"),
        (EffectRequest::Prune(&root, &["a"]), "1 prune #"),
        (EffectRequest::Read(&root, "a"), "1 read #"),
        (EffectRequest::Stat(&root, "a"), "1 stat #"),
        (EffectRequest::Send(&request), "1 send GET # #"),
        (EffectRequest::SendOnce(&request, &[7; 32]), "1 send_once GET # #"),
    ] {
        assert_eq!(form(&question), expected, "{question:?}");
    }
}

#[test]
fn a_wait_is_told_by_its_ways_and_the_names_of_its_fields() {
    let (came, _) = run(descriptor(), Vec::new(), async |ctx| {
        let prompt = connection_contract::Prompt::new("Any title").field("two").field("one");
        ctx.wait(Wait::new().answer(prompt).elapsed(core::time::Duration::from_secs(5))).await;
    });
    let Came::Waits(wait) = came else { panic!("the plugin waits") };
    assert_eq!(wait.what, "1 wait (true, false, true) two one");
}
