namespace PolicyService.Core.Attestors;

/// <summary>What asking for a <see cref="RemoteKey"/> gave: either <see cref="Found"/> or <see cref="Missing"/>.</summary>
public abstract record KeyResolution
{
    private KeyResolution()
    {
    }

    /// <summary>The pinned key, to be used under the declared algorithm.</summary>
    public sealed record Found(PublicKey Key) : KeyResolution;

    /// <summary>There is no key to verify with; never the same as a signature that does not verify.</summary>
    public sealed record Missing(KeyFailure Failure) : KeyResolution;
}

/// <summary>Gives what is known of a key now, without IO.</summary>
public delegate KeyResolution KeyLookup(RemoteKey key);

/// <summary>Why a key kept elsewhere cannot be had. Each is a class of its own in answers (<c>KMS:&lt;name&gt;</c>) and metrics.</summary>
public enum KeyFailure
{
    /// <summary>Nobody asked for it: there is no key service here.</summary>
    NotFetched = 0,

    /// <summary>The options pin no key under the name.</summary>
    NotPinned,

    /// <summary>The evaluation's time ended while the key service was asked.</summary>
    Deadline,

    /// <summary>No credentials could be had for the key service.</summary>
    NoCredentials,

    /// <summary>HTTP 401.</summary>
    Unauthenticated,

    /// <summary>HTTP 403.</summary>
    PermissionDenied,

    /// <summary>HTTP 404.</summary>
    NotFound,

    /// <summary>HTTP 429.</summary>
    RateLimited,

    /// <summary>HTTP 5xx.</summary>
    ServerError,

    /// <summary>Any other HTTP status but 200.</summary>
    Refused,

    /// <summary>No answer within the time for a call.</summary>
    Timeout,

    /// <summary>No connection: refused, no such host, cut before an answer.</summary>
    Connection,

    /// <summary>The server is not who it should be.</summary>
    Tls,

    /// <summary>An answer that ends early or is not what the API sends.</summary>
    Malformed,

    /// <summary>An answer beyond the limit on its size.</summary>
    TooLarge,

    /// <summary>A CRC-32C that is missing or does not fit.</summary>
    Checksum,

    /// <summary>An answer about another key version.</summary>
    OtherName,

    /// <summary>What was sent is no public key that is verified with here: a certificate, a weak key.</summary>
    UnusableKey,

    /// <summary>An algorithm that is not verified here.</summary>
    UnsupportedAlgorithm,

    /// <summary>Another algorithm than the attestor's document declares.</summary>
    OtherAlgorithm,

    /// <summary>Another key than the pinned one.</summary>
    OtherKey,

    /// <summary>The version is disabled, and the project revokes on that.</summary>
    Disabled,

    /// <summary>The version is destroyed or about to be, and the project revokes on that.</summary>
    Destroyed,

    /// <summary>The state of the version was never read, and the project revokes on it.</summary>
    StateUnknown,
}

/// <summary>How failures are written for programs and for people.</summary>
public static class KeyFailures
{
    private static readonly (string Name, string Why, string Remedy)[] Texts =
    [
        ("NOT_FETCHED", "no key service was asked for it", "offline, say where Cloud KMS answers with --kms-endpoint, or put the public key's PEM into the attestor"),
        ("NOT_PINNED", "it is not pinned, so nothing says which key it is", "pin it: policyctl attestor pin"),
        ("DEADLINE", "the time ran out while the key service was asked", "ask again with a longer deadline, " + Ask),
        ("NO_CREDENTIALS", "there are no credentials for the key service", "give the service Application Default Credentials, for example GOOGLE_APPLICATION_CREDENTIALS or workload identity"),
        ("UNAUTHENTICATED", "the key service takes the credentials for none (401)", "renew the service's Application Default Credentials"),
        ("PERMISSION_DENIED", "the key service refuses it (403)", "grant the service's identity roles/cloudkms.publicKeyViewer on the key"),
        ("NOT_FOUND", "the key service does not know it (404)", "mend the key's id in the attestor; if the version is gone, put its PEM there or replace the key"),
        ("RATE_LIMITED", "the key service answers too few requests (429)", "raise the project's Cloud KMS quota, then ask again"),
        ("SERVER_ERROR", "the key service failed (5xx)", Ask),
        ("REFUSED", "the key service refused the request", "make sure that the id names an enabled version of an asymmetric signing key, and --Kms:Endpoint a Cloud KMS"),
        ("TIMEOUT", "the key service did not answer in time", Ask),
        ("CONNECTION", "the key service cannot be reached", Ask),
        ("TLS", "the key service's certificate is not trusted", "mend --Kms:Endpoint, or trust the certificate's issuer on this machine"),
        ("MALFORMED", "the key service's answer is cut off or malformed", Ask),
        ("TOO_LARGE", "the key service's answer is too large", "make sure that --Kms:Endpoint names a Cloud KMS"),
        ("CHECKSUM", "the key service's answer does not fit its checksum", Ask),
        ("OTHER_NAME", "the key service answered about another key", "write the key's id as the key service does, with the project's id and not its number"),
        ("UNUSABLE_KEY", "what the key service has is no public key that can be verified with", "use a version of an asymmetric signing key, RSA from 2,048 bits or ECDSA on P-256 or P-384"),
        ("UNSUPPORTED_ALGORITHM", "the key signs with an algorithm that is not verified here", "use a key version that signs with ECDSA on P-256 or P-384, RSA-PSS or RSA PKCS#1 with a digest"),
        ("OTHER_ALGORITHM", "the key signs with another algorithm than the attestor declares", "mend or remove signatureAlgorithm in the attestor"),
        ("OTHER_KEY", "the key service has another key than the pinned one", "find out why; if the new key is right, pin it: policyctl attestor pin --replace"),
        ("DISABLED", "the key version is disabled, and revokeOnKmsDisable is set", "enable the version, or sign with another key"),
        ("DESTROYED", "the key version is destroyed, and revokeOnKmsDisable is set", "sign with another key"),
        ("STATE_UNKNOWN", "whether the key version is disabled could not be read, and revokeOnKmsDisable is set",
            "make the key service answer, and grant the service's identity roles/cloudkms.viewer on the key; offline, say where Cloud KMS answers with --kms-endpoint"),
    ];

    private const string Ask = "make the key service answer, or put the public key's PEM into the attestor";

    /// <summary>Every failure, in the order of its values.</summary>
    public static IReadOnlyList<KeyFailure> All { get; } = Enum.GetValues<KeyFailure>();

    /// <summary>Its name in details and metrics: <c>PERMISSION_DENIED</c>.</summary>
    public static string Name(KeyFailure failure) => Texts[(int)failure].Name;

    /// <summary>What happened, for people; about "it", the key.</summary>
    public static string Why(KeyFailure failure) => Texts[(int)failure].Why;

    /// <summary>What to do about it.</summary>
    public static string Remedy(KeyFailure failure) => Texts[(int)failure].Remedy;
}
