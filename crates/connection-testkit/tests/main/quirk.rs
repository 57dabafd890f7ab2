//! The faults that a plugin may have. One check of the testkit finds each of them.

/// A fault of a plugin. `None` is a correct plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quirk {
    None,
    // Faults of a setup.
    AbandonsAnEffect,
    AsksAnotherFieldInAReplay,
    AsksWithoutEnd,
    AsksTooMuchAtOnce,
    AsksUndeclaredField,
    AsksWithAnotherTextInAReplay,
    CannotBeDroppedInSetup,
    DependsOnItsOwnState,
    EndsAtOnce,
    EndsEarlierInAReplay,
    GrantsItselfADirectory,
    HasEffectsWithoutEnd,
    JoinsTwoEffects,
    LeavesItsAddresses,
    SendsSomethingElseInAReplay,
    ShowsAnotherTextInAReplay,
    ShowsWithoutEnd,
    UsesUndeclaredAddress,
    WaitsForItself,
    WaitsForNothing,
    // Faults of a descriptor.
    DescribesAnotherThing,
    DescribesAFieldTwice,
    DescribesAnHttpLink,
    DescribesNoSuchSecret,
    HasNoAuthorizer,
    // Faults of a credential.
    DropsPartOfTheCredential,
    ForgetsTheOldForm,
    PanicsOnForeignBytes,
    StoresAnotherForm,
    TakesNoBytes,
    // Faults that reveal a secret.
    HandsOutAnyName,
    SecretInDebug,
    SecretInFailure,
    SecretInLog,
    SecretInNotice,
    SecretInPage,
    SecretInPublicHeader,
    SecretInUrl,
    // Faults of a classification.
    CallsALimitALostAuthorization,
    CallsALostAuthorizationABadNetwork,
    CallsNonsenseALostAuthorization,
    EndsASetupForABadNetwork,
    ForgetsThePause,
    MakesABadNetworkAnError,
    ReadsAFieldThatIsNotThere,
    // Faults when a step is repeated.
    AddsHeaders,
    CannotBeDropped,
    CannotGiveBackTwice,
    RevokesWithoutARequest,
    ReachesAnotherAccount,
    VerifiesOnce,
}
