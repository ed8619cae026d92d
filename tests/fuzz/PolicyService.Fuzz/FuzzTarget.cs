using PolicyService.Core.Policies;
using PolicyService.Fuzz.Targets;

namespace PolicyService.Fuzz;

/// <summary>
/// A parser of untrusted bytes with what must hold of it for any bytes at all: it takes them or refuses them in the way it says, and
/// what it took means one thing.
/// </summary>
public sealed class FuzzTarget
{
    /// <summary>What any run may allocate, and what each byte of input may add to that: many times what any seed takes, less than any bomb.</summary>
    private const long BaseBytes = 16 * 1024 * 1024;
    private const long BytesPerByte = 4096;

    private readonly Action<byte[]> _check;

    private FuzzTarget(string name, Action<byte[]> check, params IReadOnlyList<string> tokens) => (Name, _check, Tokens) = (name, check, tokens);

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        Document("policy", DocumentKind.Policy, "clusterAdmissionRules", "requireAttestationsBy", "ALWAYS_DENY", "name: projects/p/policy\n"),
        Document("attestor", DocumentKind.Attestor, "publicKeys", "pkixPublicKey", "signatureAlgorithm", "-----BEGIN PUBLIC KEY-----"),
        Document("attestations", DocumentKind.Attestations, "occurrences", "serializedPayload", "jwts", "createTime"),
        Document("platform-policy", DocumentKind.PlatformPolicy, "checkSets", "alwaysDeny", "imageAllowlist", "trustedDirPatterns"),
        Document("options", DocumentKind.Options, "failMode", "revocations", "999999999h", "pinnedKeys"),
        Document("system-policy", DocumentKind.SystemPolicy, "admissionWhitelistPatterns", "globalPolicyEvaluationMode"),
        Document("clusters", DocumentKind.Clusters, "platformPolicies", "default", "CLOUD_RUN"),
        new("payload", PayloadTarget.Check, "\"critical\"", "\"optional\"", "\"docker-manifest-digest\"", "\\u0063", "\\ud800", "sha256:", "null", "{}", ",", "\u00e9", "\ufeff"),
        new("oci", RegistryTarget.CheckDocument, "\"schemaVersion\":2", "\"mediaType\":", "\"digest\":", "\"layers\":[", "\"manifests\":[", "\"config\":{", "\"annotations\":{", "\"size\":1e9", "sha512:", "\\u0064", "\\ud800", "null", "{}", ",", "\ufeff"),
        new("dsse", RegistryTarget.CheckEnvelope, "\"payloadType\":", "\"payload\":", "\"signatures\":[", "{\"sig\":\"-_8\"}", "\"keyid\":", "application/vnd.in-toto+json", "\\u0070", "\\ud800", "null", "[]", ",", "="),
        new("bundle", RegistryTarget.CheckBundle, "\"mediaType\":", "\"dsseEnvelope\":", "\"messageSignature\":{}", "\"verificationMaterial\":", ";version=0.1", "\\u0064", "\\ud800", "null", "{}", ",", "[", "]"),
        new("statement", RegistryTarget.CheckStatement, "\"_type\":", "\"subject\":[", "\"digest\":{", "\"sha256\":", "\"predicateType\":", "\"predicate\":{}", "https://in-toto.io/Statement/v0.1", "\\u0073", "\\ud800", "null", "{}", ","),
        new("jwt", JwtTarget.Check, ".", "..", "=", "eyJhbGciOiJub25lIn0", "\"exp\":", "\"alg\":\"none\"", "\"kid\":\"ed\"", "1e400", "-0", "0.00000000000000000000000000001", "\\ud800", "null"),
        new("pgp-message", PgpMessageTarget.Check, "-----BEGIN PGP MESSAGE-----\n\n", "-----END PGP MESSAGE-----", "=njUN\n", "\n", "\r\n", "\u00ff", "\u0000"),
        new("pgp-key", PgpKeyTarget.Check, "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n", "-----END PGP PUBLIC KEY BLOCK-----", "=njUN\n", "\n", "\r\n", "\u00ff", "\u0000"),
    ];

    /// <summary>As on the command line; also the folder of its seeds.</summary>
    public string Name { get; }

    /// <summary>Pieces of its language, for mutations that random bytes would not find.</summary>
    public IReadOnlyList<string> Tokens { get; }

    public IReadOnlyList<Seed> Seeds => Seed.Of(Name);

    /// <summary>Returns if all is well with the input. Allocation stands for time and memory, because it is the same on every machine.</summary>
    /// <exception cref="FindingException">What should hold does not. So it is with every other exception.</exception>
    public void Run(byte[] input)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        _check(input);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Finding.Unless(allocated <= BaseBytes + (BytesPerByte * input.Length), $"{input.Length} bytes of input made it allocate {allocated}");
    }

    private static FuzzTarget Document(string name, DocumentKind kind, params string[] tokens) => new(
        name,
        new DocumentTarget(kind).Check,
        [
            .. tokens, "name: ", "\n", "\n  ", "- ", "? ", ": ", "{", "}", "[", "]", ", ", "\"", "'", "|\n", ">-\n", "&a ", "*a", "!!str ", "---\n", "...\n", "%YAML 1.2\n", "#", "\t", "null", "~", "true",
            "\\u0000", "\\ud83d", "\u2028", "\u0085", "\ufeff", "1e999", "projects/p/attestors/a", "sha256:",
        ]);
}
