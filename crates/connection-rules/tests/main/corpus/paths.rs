//! Paths of the corpus.

use connection_rules::{Place, Profile};

use super::{Entry, GATES, READ, REPOS};
use crate::common::sent;

const PROJECT: &str = r#"{"rule":[{"name":"project","path":"/projects/{id}/issues","effect":"allow"},
    {"name":"one","path":"/named/group%2Fproject","effect":"allow"}]}"#;
const ORIGIN: &str = r#"{"rule":[{"name":"upload","path":"/upload/{id}","from":"origin","effect":"allow"},
    {"name":"inside","path":"/files/{id}","effect":"allow"}]}"#;

pub(super) fn encoded() -> Vec<Entry> {
    let slash = || Profile::strict().encoded_slash_is_data();
    vec![
        (1, REPOS, sent("GET /repos/acme/site/issues/7"), "allow: read"),
        (2, REPOS, sent("GET /repos/%61cme/site/issues/7"), "allow: read"),
        (3, REPOS, sent("GET /repos/acme/site%2Fissues/7"), "refused: path"),
        (4, REPOS, sent("GET /repos/acme/site%2fissues/7"), "refused: path"),
        (5, REPOS, sent("GET /repos/acme/site%5Cissues/7"), "refused: path"),
        (6, PROJECT, sent("GET /projects/group%2Fproject/issues"), "refused: path"),
        (7, PROJECT, sent("GET /projects/group%2Fproject/issues").profile(slash()), "allow: project"),
        (8, PROJECT, sent("GET /projects/group/project/issues").profile(slash()), "deny"),
        (9, PROJECT, sent("GET /projects/group%2F..%2Fother/issues").profile(slash()), "refused: path"),
        (10, PROJECT, sent("GET /projects/..%2Fother/issues").profile(slash()), "refused: path"),
        (11, PROJECT, sent("GET /projects/group%2F.%2Fother/issues").profile(slash()), "refused: path"),
        (12, PROJECT, sent("GET /projects/group%5C..%5Cother/issues").profile(slash()), "refused: path"),
        (13, PROJECT, sent("GET /named/group%2fproject").profile(slash()), "allow: one"),
        (14, PROJECT, sent("GET /named/group/project").profile(slash()), "deny"),
        (15, PROJECT, sent("GET /projects/group%252Fproject/issues").profile(slash()), "refused: path"),
        (16, REPOS, sent("GET /repos/acme/%2e%2e/issues/7"), "refused: path"),
        (17, REPOS, sent("GET /repos/acme/%2E./issues/7"), "refused: path"),
        (18, REPOS, sent("GET /repos/acme/.%2e/issues/7"), "refused: path"),
        (19, REPOS, sent("GET /repos/acme/%2e/issues/7"), "refused: path"),
        (20, REPOS, sent("GET /repos/acme/site/issues/%252e%252e"), "refused: path"),
        (21, REPOS, sent("GET /repos/acme/site/issues/%252E%252e%252F"), "refused: path"),
        (22, REPOS, sent("GET /repos/acme/site/issues/%25%32%65"), "refused: path"),
        (23, REPOS, sent("GET /repos/acme/site/issues/a%255cb"), "refused: path"),
        (24, REPOS, sent("GET /repos/acme/site/issues/%2525"), "allow: read"),
        (25, REPOS, sent("GET /repos/acme/site/issues/100%25"), "allow: read"),
        (26, REPOS, sent("GET /repos/acme/site/issues/%c0%ae%c0%ae"), "refused: path"),
        (27, REPOS, sent("GET /repos/acme/site/issues/%c0%af"), "refused: path"),
        (28, REPOS, sent("GET /repos/acme/site/issues/%e0%80%af"), "refused: path"),
        (29, REPOS, sent("GET /repos/acme/site/issues/%f0%80%80%af"), "refused: path"),
        (30, REPOS, sent("GET /repos/acme/site/issues/%25c0%25ae"), "refused: path"),
        (31, REPOS, sent("GET /repos/acme/site/issues/%ff"), "refused: path"),
        (32, REPOS, sent("GET /repos/acme/site/issues/%ed%a0%80"), "refused: path"),
        (33, REPOS, sent("GET /repos/acme/site/issues/%C3%A9"), "allow: read"),
        (34, REPOS, sent("GET /repos/acme/site/issues/%"), "refused: path"),
        (35, REPOS, sent("GET /repos/acme/site/issues/%4"), "refused: path"),
        (36, REPOS, sent("GET /repos/acme/site/issues/%zz"), "refused: path"),
        (37, REPOS, sent("GET /repos/acme/site/issues/%u002e"), "refused: path"),
        (38, REPOS, sent("GET /repos/acme/site/issues/%25u002e"), "refused: path"),
        (39, REPOS, sent("GET /repos/acme/site/issues/7%00.json"), "refused: path"),
        (40, REPOS, sent("GET /repos/acme/site/issues/7%0d%0aHost:x"), "refused: path"),
        (41, REPOS, sent("GET /repos/acme/site/issues/7%7f"), "refused: path"),
        (42, REPOS, sent("GET /repos/acme/site/issues/7%2500"), "refused: path"),
    ]
}

pub(super) fn structure() -> Vec<Entry> {
    let empty = || Profile::strict().empty_segment_is_data();
    vec![
        (43, REPOS, sent("GET /repos/acme/site/issues/../../../user"), "refused: path"),
        (44, REPOS, sent("GET /repos/acme/./site/issues"), "refused: path"),
        (45, REPOS, sent("GET /repos/acme/..;/user/issues"), "refused: path"),
        (46, REPOS, sent("GET /repos/acme/..;a=b/issues"), "refused: path"),
        (47, REPOS, sent("GET /repos/acme/.;/issues"), "refused: path"),
        (48, REPOS, sent("GET /repos/acme/%2e%2e%3b/issues"), "refused: path"),
        (49, REPOS, sent("GET /repos/acme/..%3Bx/issues"), "refused: path"),
        (50, REPOS, sent("GET /repos/acme/..%20/issues"), "refused: path"),
        (51, REPOS, sent("GET /repos/acme/.../issues"), "allow: read"),
        (52, REPOS, sent("GET /repos/acme/..a/issues"), "allow: read"),
        (53, REPOS, sent("GET /repos//acme/site/issues"), "refused: path"),
        (54, GATES, sent("GET /files//a").profile(empty()), "allow: rest"),
        (55, GATES, sent("GET //evil.example/a").profile(empty()), "refused: path"),
        (56, GATES, sent("GET //evil.example/a"), "refused: path"),
        (57, GATES, sent("GET /a/b//"), "refused: path"),
        (58, GATES, sent("GET https://evil.example/"), "refused: path"),
        (59, GATES, sent("GET *"), "refused: path"),
        (60, GATES, sent("GET user"), "refused: path"),
        (61, GATES, sent("GET \\\\evil.example\\a"), "refused: path"),
        (62, GATES, sent("GET /files\\..\\admin"), "refused: path"),
        (63, GATES, sent("GET /files#/admin"), "refused: path"),
        (64, GATES, sent("GET /files /admin"), "refused: path"),
        (65, GATES, sent("GET /files\t"), "refused: path"),
        (66, GATES, sent("GET /fil\u{e9}s"), "refused: path"),
        (67, GATES, sent("GET /{files}"), "refused: path"),
        (68, REPOS, sent("GET /repos/acme/site/issues/"), "allow: read"),
        (69, REPOS, sent("GET /repos/acme/site/issues"), "allow: read"),
        (70, REPOS, sent("GET /repos/acme/site/issuesx"), "deny"),
        (71, ORIGIN, sent("GET /upload/7"), "deny"),
        (72, ORIGIN, outside("GET /upload/7"), "allow: upload"),
        (73, ORIGIN, outside("GET /files/7"), "deny"),
        (74, READ, outside("GET /files/7"), "deny"),
    ]
}

fn outside(line: &str) -> crate::common::Sent {
    let mut sent = sent(line);
    sent.parts = sent.parts.place(Place::Origin("https://uploads.example.com".to_owned()));
    sent
}

pub(super) fn loose() -> Vec<Entry> {
    vec![
        (75, GATES, sent("GET /admin/users"), "deny: no admin"),
        (76, GATES, sent("GET /Admin/users"), "deny: no admin"),
        (77, GATES, sent("GET /ADMIN"), "deny: no admin"),
        (78, GATES, sent("GET /%41dmin/"), "deny: no admin"),
        (79, GATES, sent("GET /admin;x=1/users"), "deny: no admin"),
        (80, GATES, sent("GET /admin%3Bx/users"), "deny: no admin"),
        (81, GATES, sent("GET /admin.json"), "deny: no admin"),
        (82, GATES, sent("GET /admin%20/users"), "deny: no admin"),
        (83, GATES, sent("GET /user/keys/"), "deny: no keys"),
        (84, GATES, sent("GET /user/keys.xml"), "deny: no keys"),
        (85, GATES, sent("GET /USER/keys;v=2.json"), "deny: no keys"),
        (86, GATES, sent("GET /user/keys."), "deny: no keys"),
        (87, GATES, sent("GET /user/keychain"), "allow: rest"),
        (88, GATES, sent("GET /user/%E2%84%AAeys"), "deny: no keys"),
        (89, GATES, sent("DELETE /items/7"), "ask: removals"),
        (90, GATES, sent("DELETE /Items/7/"), "ask: removals"),
        (91, REPOS, sent("GET /Repos/acme/site/issues"), "deny"),
        (92, REPOS, sent("GET /repos/acme.json/site/issues"), "deny"),
        (93, REPOS, sent("GET /repos/acme;x/site/issues"), "deny"),
    ]
}
