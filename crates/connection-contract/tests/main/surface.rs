//! The names that plugins and hosts rely on.

/// R-INSEAM-003, with the names of the design: setup is an async function, so `SetupStep` belongs to the core.
#[test]
fn the_contract_exports_what_plugins_implement_and_are_given() {
    fn named<T: ?Sized>() -> &'static str {
        std::any::type_name::<T>()
    }
    use connection_contract::{
        CallbackHandle, ConnectionError, InboundHttpService, SetupContext, VerifyContext, VerifyResult,
    };
    fn definition<D: connection_contract::ConnectionDefinition>() -> &'static str {
        named::<D::Credential>()
    }
    let names = [
        named::<SetupContext<'_>>(),
        named::<VerifyContext<'_>>(),
        named::<VerifyResult<()>>(),
        named::<dyn InboundHttpService>(),
        named::<CallbackHandle>(),
        named::<ConnectionError>(),
    ];
    assert!(names.iter().all(|name| name.contains("connection_contract::")), "{names:?}");
    assert_eq!(definition::<Nothing>(), "()");
}

/// The smallest possible plugin.
struct Nothing;

impl connection_contract::ConnectionDefinition for Nothing {
    type Credential = ();

    fn descriptor(&self) -> connection_contract::Descriptor {
        use connection_contract::{AuthType, Descriptor, Kind};
        Descriptor::new(Kind::from_static("nothing"), "Nothing", AuthType::None)
    }

    async fn setup(
        &self,
        _: &connection_contract::SetupContext<'_>,
    ) -> Result<connection_contract::SetupResult<()>, connection_contract::SetupFailure> {
        use connection_contract::{Identity, SetupResult};
        Ok(SetupResult::new((), Identity::new("1", "nothing")))
    }

    fn serialize_credential(
        &self,
        (): &(),
    ) -> Result<connection_contract::Secret, connection_contract::CredentialError> {
        Ok(connection_contract::Secret::default())
    }

    fn parse_credential(&self, _: &[u8]) -> Result<(), connection_contract::CredentialError> {
        Ok(())
    }

    async fn verify(
        &self,
        (): &(),
        _: &connection_contract::VerifyContext<'_>,
    ) -> Result<connection_contract::VerifyResult<()>, connection_contract::ConnectionError> {
        Ok(connection_contract::VerifyResult::live())
    }
}
