//! Explanations and rules in words.

use connection_rules::Request;

use crate::common::{Sent, rules, sent};

const RULES: &str = r#"{"rule":[
    {"name":"read","methods":["GET"],"path":"/repos/{repo}/**","query":{"deny":["debug"]},"effect":"allow"},
    {"name":"comment","methods":["POST"],"path":"/repos/{repo}/comments",
     "body":{"media":["application/json"],"max":"1 KiB","deny":["/labels"]},"effect":"ask"},
    {"name":"tools","path":"/mcp","json_rpc":{"methods":["initialize"],"tools":["search"]},"effect":"allow"},
    {"name":"upload","path":"/upload","from":"origin","effect":"allow"},
    {"name":"live","path":"/live","upgrade":"websocket","effect":"allow"},
    {"name":"list","path":"/list","query":{"only":{"Action":["Describe"]}},"effect":"allow"},
    {"name":"queries","path":"/graphql","graphql":["query"],"effect":"allow"},
    {"name":"fields","path":"/form","form":{"only":{"To":["a"]}},"effect":"allow"}]}"#;

/// Checks the last step of an explanation, or the step of the rule that is named.
#[track_caller]
fn check(rule: &str, sent: Sent, expected: &str) {
    let rules = rules(RULES);
    let request = read(sent);
    let explanation = rules.explain(&request);
    let step = explanation.steps().iter().find(|step| step.rule().name() == rule).unwrap();
    assert_eq!(step.to_string(), format!("the rule \"{rule}\" {expected}"));
}

fn read(sent: Sent) -> Request {
    connection_rules::RequestHead::read(sent.parts, &sent.profile).unwrap().with_body(sent.body).unwrap()
}

#[test]
fn each_reason_is_said_in_words() {
    let no = |reason: &str| format!("does not match because {reason}");
    check("read", sent("GET /repos/a"), "matches");
    check("read", sent("PUT /repos/a"), &no("the method is another one"));
    check("read", sent("GET /users/a"), &no("the path does not match"));
    check("read", sent("GET /repos/a?Debug=1"), &no("the parameter \"debug\" must not be there"));
    let comment = || sent("POST /repos/a/comments");
    check("comment", comment(), &no("there is no body"));
    check("comment", comment().body("text/plain", "a"), &no("the body has another media type"));
    check("comment", comment().json(r#"{"labels":1}"#), &no("the body has something at \"/labels\""));
    check("comment", comment().json("[]"), "cannot be compared because the body has no object at its top");
    let long = comment().json(&" ".repeat(2000));
    check("comment", long, "cannot be compared because the body is longer than the rule looks at");
    let message = |text: &str| sent("POST /mcp").json(text);
    check("tools", message(r#"{"jsonrpc":"2.0","method":"ping"}"#), &no("the message is \"ping\""));
    let call = r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"drop"}}"#;
    check("tools", message(call), &no("the message calls the tool \"drop\""));
    check("tools", message(r#"{"jsonrpc":"2.0","result":1}"#), &no("the message is a response"));
    check("tools", message("{}"), &no("the body is not JSON-RPC that can be read in one way only"));
    check("upload", sent("GET /upload"), &no("the address is inside the base, and the rule is about the others"));
    check("live", sent("GET /live"), &no("the request does not upgrade its connection to the rule's protocol"));
    check("list", sent("GET /list"), &no("the parameter \"Action\" is missing"));
    check("list", sent("GET /list?Action=Run"), &no("the parameter \"Action\" has another value"));
    check("list", sent("GET /list?Action=Describe&Action=Run"), &no("the parameter \"Action\" comes more than once"));
    let document = |text: &str| sent("POST /graphql").json(text);
    check("queries", document(r#"{"query":"mutation{a}"}"#), &no("the document has a mutation"));
    check("queries", document(r#"{"query":""}"#), &no("the body is not one GraphQL document alone"));
    check("queries", sent("GET /graphql?query=a"), &no("the address has a GraphQL document of its own"));
    check("fields", sent("POST /form").json("{}"), &no("the body is not a form"));
}

#[test]
fn an_explanation_has_each_rule_before_the_one_that_decides() {
    let rules = rules(RULES);
    let request = read(sent("POST /mcp").json(r#"[{"jsonrpc":"2.0","method":"initialize"}]"#));
    assert_eq!(
        rules.explain(&request).to_string(),
        "the rule \"read\" does not match because the method is another one\n\
         the rule \"comment\" does not match because the path does not match\n\
         the rule \"tools\" matches\n\
         the request is allowed"
    );
    let denied = read(sent("DELETE /repos/a"));
    let text = rules.explain(&denied).to_string();
    assert_eq!(text.lines().count(), 9);
    assert!(text.ends_with("the request is denied: no rule is about this request; ask for a rule that is"));
}

#[test]
fn a_rule_set_is_said_in_words() {
    assert_eq!(
        rules(RULES).words(),
        [
            "may send GET /repos/{repo}/** with no parameter debug",
            "is asked about before POST /repos/{repo}/comments with a body of type application/json, at most 1 KiB of \
             body, nothing at /labels of the body",
            "may send any method /mcp with the message initialize or a call of the tool search",
            "may send any method /upload outside the base address",
            "may send any method /live with an upgrade to websocket",
            "may send any method /list with the parameter Action = \"Describe\"",
            "may send any method /graphql with GraphQL of the kind query",
            "may send any method /form with a form, the field To = \"a\"",
            "nothing else",
        ]
    );
    let limited = rules(
        r#"{"expires":"24h","budget":{"requests":1,"per":"90s"},"rule":[{"name":"d","path":"/a","effect":"deny"}]}"#,
    );
    assert_eq!(
        limited.words(),
        ["may not send any method /a", "may send nothing", "at most 1 request in 90s", "until 1d after it was granted"]
    );
    assert_eq!(connection_rules::Rules::everything().words(), ["may send every request"]);
}
