//! What may be wrong with a plugin. Each is caught by one defence.

/// One fault; `None` is a plugin that is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quirk {
    None,
    // Of a setup.
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
    // Of a descriptor.
    DescribesAnotherThing,
    DescribesAFieldTwice,
    DescribesAnHttpLink,
    DescribesNoSuchSecret,
    HasNoAuthorizer,
    // Of a credential.
    DropsPartOfTheCredential,
    ForgetsTheOldForm,
    PanicsOnForeignBytes,
    StoresAnotherForm,
    TakesNoBytes,
    // Of secrets.
    HandsOutAnyName,
    SecretInDebug,
    SecretInFailure,
    SecretInLog,
    SecretInNotice,
    SecretInPublicHeader,
    SecretInUrl,
    // Of a classification.
    CallsALimitALostAuthorization,
    CallsALostAuthorizationABadNetwork,
    CallsNonsenseALostAuthorization,
    EndsASetupForABadNetwork,
    ForgetsThePause,
    MakesABadNetworkAnError,
    ReadsAFieldThatIsNotThere,
    // Of repetition.
    AddsHeaders,
    CannotBeDropped,
    CannotGiveBackTwice,
    ReachesAnotherAccount,
    VerifiesOnce,
}
