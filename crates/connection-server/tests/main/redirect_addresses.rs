//! The redirect address is for a person who may have an application to register, and for nobody else.

use connection_contract::{AuthType, Descriptor, Field, Kind, Need, SetupMethod};
use connection_server::convert::{is_called_back, is_redirect_registered_by_person};

#[test]
fn a_kind_that_asks_for_nothing_or_needs_no_browser_has_no_address_to_register() {
    let kind = || Descriptor::new(Kind::from_static("acme"), "Acme", AuthType::OAuth);
    let site = || Field::text("site", "Site");
    for (descriptor, comes_back, is_registered) in [
        (kind().field(site()), false, false),
        (kind().setup_method(SetupMethod::Device).field(site()), false, false),
        (kind().setup_method(SetupMethod::Browser), true, false),
        (kind().needs(Need::InboundHttp), true, false),
        (kind().setup_method(SetupMethod::Browser).field(site()), true, true),
        (kind().setup_method(SetupMethod::Paste).field(site()), true, true),
    ] {
        let found = (is_called_back(&descriptor), is_redirect_registered_by_person(&descriptor));
        assert_eq!(found, (comes_back, is_registered), "{:?} {:?}", descriptor.ways, descriptor.needs);
    }
}
