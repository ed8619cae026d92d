using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using PolicyService.Core.Policies;

namespace PolicyService.Core.Attestors;

/// <summary>
/// The name of one version of a Cloud KMS key. A version never changes its key material, a key does, so nothing shorter is a name here.
/// However it was spelled it is the same name. The default value names nothing.
/// </summary>
public readonly record struct KmsKeyName
{
    /// <summary>Before the resource name, as Binary Authorization writes the id of a KMS key.</summary>
    public const string BinaryAuthorizationPrefix = "//cloudkms.googleapis.com/v1/";

    /// <summary>Before the resource name, as cosign writes a reference to a KMS key.</summary>
    public const string CosignPrefix = "gcpkms://";

    /// <summary>What all spellings have in common, as a regular expression that JavaScript and .NET read alike.</summary>
    internal const string Pattern = @"^(//cloudkms\.googleapis\.com/v1/|gcpkms://)projects/[A-Za-z0-9_:.-]+/locations/[a-z0-9-]{1,63}"
        + "/keyRings/[A-Za-z0-9_-]{1,63}/cryptoKeys/[A-Za-z0-9_-]{1,63}/(cryptoKeyVersions|versions)/[1-9][0-9]{0,17}$";

    /// <summary>What to write, for messages.</summary>
    internal const string Form =
        "//cloudkms.googleapis.com/v1/projects/<project>/locations/<location>/keyRings/<ring>/cryptoKeys/<key>/cryptoKeyVersions/<number>";

    /// <summary>Ids of locations, rings and keys have at most so many characters; a version at most so many digits.</summary>
    private const int MaxIdLength = 63;
    private const int MaxVersionLength = 18;

    private static readonly SearchValues<char> IdCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");
    private static readonly SearchValues<char> LocationCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    private readonly string? _resource;

    private KmsKeyName(string resource) => _resource = resource;

    /// <summary><c>projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/N</c>: safe as part of a URL's path.</summary>
    public string Resource => _resource ?? throw new InvalidOperationException("default(KmsKeyName) names no key");

    /// <summary>
    /// Takes <c>//cloudkms.googleapis.com/v1/…</c> and cosign's <c>gcpkms://…</c>, where <c>versions/N</c> is a spelling of
    /// <c>cryptoKeyVersions/N</c>.
    /// </summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out KmsKeyName name)
    {
        var isCosign = text?.StartsWith(CosignPrefix, StringComparison.Ordinal) is true;
        name = default;
        if (text is null || text.Length > KeyId.MaxLength || !(isCosign || text.StartsWith(BinaryAuthorizationPrefix, StringComparison.Ordinal)))
        {
            return false;
        }

        var resource = text[(isCosign ? CosignPrefix : BinaryAuthorizationPrefix).Length..];
        if (resource.Split('/') is not ["projects", var project, "locations", var location, "keyRings", var ring, "cryptoKeys", var key, var kind, var version]
            || !(kind is "cryptoKeyVersions" || (isCosign && kind is "versions"))
            || !ResourceNames.IsProject(project)
            || !IsId(location, LocationCharacters)
            || !IsId(ring, IdCharacters)
            || !IsId(key, IdCharacters)
            || !IsVersion(version))
        {
            return false;
        }

        name = new KmsKeyName($"projects/{project}/locations/{location}/keyRings/{ring}/cryptoKeys/{key}/cryptoKeyVersions/{version}");
        return true;
    }

    /// <summary>The id of the key in Binary Authorization's spelling.</summary>
    public override string ToString() => _resource is null ? "" : BinaryAuthorizationPrefix + _resource;

    private static bool IsId(string text, SearchValues<char> characters) => text.Length is > 0 and <= MaxIdLength && !text.AsSpan().ContainsAnyExcept(characters);

    /// <summary>A number has one spelling: no sign, no zero before it.</summary>
    private static bool IsVersion(string text) =>
        text.Length is > 0 and <= MaxVersionLength && text[0] != '0' && !text.AsSpan().ContainsAnyExceptInRange('0', '9');
}
