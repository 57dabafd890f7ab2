//! Methods, headers and queries of the corpus.

use super::{Entry, GATES, READ, WRITE};
use crate::common::sent;

pub(super) fn methods() -> Vec<Entry> {
    vec![
        (94, READ, sent("get /user"), "refused: method"),
        (95, READ, sent("Get /user"), "refused: method"),
        (96, GATES, sent("CONNECT /user"), "refused: method"),
        (97, GATES, sent("TRACE /user"), "refused: method"),
        (98, GATES, sent("GE(T /user"), "refused: method"),
        (99, READ, sent("OPTIONS /user"), "deny"),
        (100, READ, sent("PROPFIND /user"), "deny"),
    ]
}

pub(super) fn overrides() -> Vec<Entry> {
    let post = || sent("POST /items/7");
    vec![
        (101, WRITE, post(), "allow: write"),
        (102, WRITE, post().header("X-HTTP-Method-Override", "DELETE"), "refused: header x-http-method-override"),
        (103, WRITE, post().header("x-http-method", "DELETE"), "refused: header x-http-method"),
        (104, WRITE, post().header("X-Method-Override", "DELETE"), "refused: header x-method-override"),
        (105, WRITE, post().header("X_HTTP_Method_Override", "DELETE"), "refused: header x_http_method_override"),
        (106, WRITE, post().header("X-Original-URL", "/admin"), "refused: header x-original-url"),
        (107, WRITE, post().header("X-Rewrite-URL", "/admin"), "refused: header x-rewrite-url"),
        (108, WRITE, post().header("X-Original-URI", "/admin"), "refused: header x-original-uri"),
        (109, WRITE, post().header("Forwarded", "host=a"), "refused: header forwarded"),
        (110, WRITE, post().header("X-Forwarded-Host", "a"), "refused: header x-forwarded-host"),
        (111, WRITE, post().header("X-Forwarded-Prefix", "/admin"), "refused: header x-forwarded-prefix"),
        (112, WRITE, sent("POST /items/7?_method=DELETE"), "refused: query"),
        (113, WRITE, sent("POST /items/7?_Method=DELETE"), "refused: query"),
        (114, WRITE, sent("POST /items/7?_HttpMethod=DELETE"), "refused: query"),
        (115, WRITE, sent("POST /items/7?%5Fmethod=DELETE"), "refused: query"),
        (116, WRITE, sent("POST /items/7?.method=DELETE"), "refused: query"),
        (117, WRITE, sent("POST /items/7?_method[]=DELETE"), "refused: query"),
        (118, WRITE, sent("POST /items/7?a=1;_method=DELETE"), "refused: query"),
        (119, READ, sent("GET /").header("X-HTTP-Method-Override", "DELETE"), "refused: header x-http-method-override"),
        (120, WRITE, post().header("X-HTTP-Method-Override", "POST"), "refused: header x-http-method-override"),
        (121, WRITE, post().header("X-HTTP-Method-Override", ""), "refused: header x-http-method-override"),
        (122, READ, sent("GET /items/7?_method=DELETE"), "refused: query"),
        (123, WRITE, sent("POST /items/7?a=1&_method=DELETE"), "refused: query"),
        (124, WRITE, post().form("%5Fmethod=DELETE"), "refused: body"),
    ]
}

const LIST: &str = r#"{"rule":[
    {"name":"forced","query":{"only":{"force":["true"]}},"effect":"deny"},
    {"name":"list","query":{"only":{"Action":["DescribeInstances"]},"deny":["dry_run"]},"effect":"allow"}]}"#;

pub(super) fn queries() -> Vec<Entry> {
    vec![
        (125, LIST, sent("GET /?Action=DescribeInstances"), "allow: list"),
        (126, LIST, sent("GET /?Action=DescribeInstances&Action=RunInstances"), "deny"),
        (127, LIST, sent("GET /?Action=DescribeInstances&action=RunInstances"), "deny"),
        (128, LIST, sent("GET /?Action=DescribeInstances&Action[]=RunInstances"), "deny"),
        (129, LIST, sent("GET /?Action=DescribeInstances;Action=RunInstances"), "refused: query"),
        (130, LIST, sent("GET /?action=DescribeInstances"), "deny"),
        (131, LIST, sent("GET /?Action=describeinstances"), "deny"),
        (132, LIST, sent("GET /?%41ction=Describe%49nstances"), "allow: list"),
        (133, LIST, sent("GET /?Action=DescribeInstances&Dry-Run=1"), "deny"),
        (134, LIST, sent("GET /?Action=DescribeInstances&force=true"), "deny: forced"),
        (135, LIST, sent("GET /?Action=DescribeInstances&FORCE=True"), "deny: forced"),
        (136, LIST, sent("GET /?Action=DescribeInstances&force=false&force=true"), "deny: forced"),
        (137, LIST, sent("GET /?Action=DescribeInstances&force=false"), "allow: list"),
        (138, READ, sent("GET /?q=%"), "refused: query"),
        (139, READ, sent("GET /?q=%c0%ae"), "refused: query"),
        (140, READ, sent("GET /?q=%00"), "refused: query"),
        (141, READ, sent("GET /?q=a b"), "refused: query"),
        (142, READ, sent("GET /?q=a#b"), "refused: query"),
        (143, READ, sent("GET /?q=a%0Ab+c&next=%2Fa%2F.."), "allow: read"),
    ]
}

pub(super) const SOCKET: &str = r#"{"rule":[
    {"name":"live","methods":["GET"],"path":"/live","upgrade":"websocket","effect":"allow"},
    {"name":"read","methods":["GET"],"effect":"ask"}]}"#;

pub(super) fn upgrades() -> Vec<Entry> {
    let upgrade = |line: &str, protocol: &str| sent(line).header("Connection", "upgrade").header("Upgrade", protocol);
    vec![
        (144, READ, upgrade("GET /live", "websocket"), "deny"),
        (145, READ, upgrade("GET /live", "h2c"), "deny"),
        (146, SOCKET, upgrade("GET /live", "websocket"), "allow: live"),
        (147, SOCKET, upgrade("GET /live", "WebSocket"), "allow: live"),
        (148, SOCKET, upgrade("GET /live", "websocket, h2c"), "refused: header upgrade"),
        (149, SOCKET, upgrade("GET /live", "websocket").header("upgrade", "h2c"), "refused: header upgrade"),
        (150, SOCKET, upgrade("GET /live", "TLS/1.0"), "deny: read"),
        (151, SOCKET, upgrade("GET /other", "websocket"), "deny: read"),
        (152, SOCKET, sent("GET /live"), "ask: read"),
    ]
}
