//! `tag` and `link`: tags of a connection, and setup links that a person makes by hand.

use serde_json::json;

use crate::program::{Machine, check};

#[test]
fn a_connection_is_tagged_and_listed_by_its_tags() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    machine.run(&["tag", "github", "plan=pro", "customer=17"]).exits(0).says("Tagged github:work: customer=17, plan=pro");
    machine.run(&["show", "github"]).exits(0).says("tags          customer=17, plan=pro");
    machine.run(&["list", "--tag", "plan=pro", "--tag", "customer=17"]).exits(0).says("github:work");
    machine.run(&["list", "--tag", "plan=pro", "--tag", "customer=18"]).exits(0).says("No connection matches");
    machine.run(&["list", "--tag", "plan=free"]).exits(0).says("No connection matches");
    // The tags are set as a whole.
    let shape = machine.run(&["tag", "github", "plan=free", "--json"]).exits(0).json();
    check(&shape, "connection");
    assert_eq!(shape["tags"], json!({ "plan": "free" }));
    assert_eq!(machine.run(&["list", "--json"]).exits(0).json()[0]["tags"], json!({ "plan": "free" }));
    machine.run(&["tag", "github", "--none"]).exits(0).says("github:work has no tags");
    machine.run(&["tag", "github", "plan"]).exits(2).warns("NAME=VALUE");
    machine.run(&["tag", "github"]).exits(2);
    let error = machine.run(&["tag", "github", "a b=c", "--json"]).exits(2).error();
    assert_eq!(error["error"]["code"], "invalid_tags");
}

#[test]
fn a_person_makes_a_link_that_repairs_a_connection_or_connects_a_new_one() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    let repair = machine.run(&["link", "github:work"]).exits(0);
    assert!(repair.out.starts_with("http://127.0.0.1:8745/link#link=cn_"), "{}", repair.out);
    repair.warns("within 30 minutes").warns("connections tokens revoke ");
    let shape = machine.run(&["link", "--kind", "github", "--kind", "notion", "--tag", "plan=pro", "--json"]).exits(0);
    check(&shape.json(), "setupLink");
    machine.run(&["tokens"]).exits(0).says("Setup link").says("link");
    machine.run(&["link"]).exits(2);
    machine.run(&["link", "github:none"]).exits(5);
    machine.run(&["link", "--kind", "nothing"]).exits(5);
    machine.run(&["link", "github", "--tag", "a=b"]).exits(2);
    machine.run(&["link", "github", "--return-to", "https://evil.example/"]).exits(2).warns("page.return_addresses");
    machine.configure(
        "[page]\nreturn_addresses = [\"https://app.example/accounts\"]\n\n[inbound]\n\
         public_url = \"https://connect.example/accounts\"\n",
    );
    let back = machine.run(&["link", "github", "--return-to", "https://app.example/accounts?a=b"]).exits(0);
    assert!(back.out.starts_with("https://connect.example/accounts/link#link=cn_"), "{}", back.out);
}
