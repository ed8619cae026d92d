using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace PolicyService.Core.Tests.Verification;

internal enum WycheproofResult { Unspecified = 0, Valid, Invalid, Acceptable }

internal sealed record WycheproofCase(int TcId, string Comment, string[] Flags, string Msg, string Sig, WycheproofResult Result)
{
    public byte[] Message => Convert.FromHexString(Msg);

    public byte[] Signature => Convert.FromHexString(Sig);
}

/// <summary>One key and its cases. The hash is missing for Ed25519, the salt length for all but RSA-PSS.</summary>
internal sealed record WycheproofGroup(
    string Type, string PublicKeyPem, string PublicKeyDer, string? Sha, string? Mgf, string? MgfSha, int? SLen, WycheproofCase[] Tests)
{
    public byte[] SubjectPublicKeyInfo => Convert.FromHexString(PublicKeyDer);

    public HashAlgorithmName HashName => Sha switch
    {
        "SHA-256" => HashAlgorithmName.SHA256,
        "SHA-384" => HashAlgorithmName.SHA384,
        "SHA-512" => HashAlgorithmName.SHA512,
        _ => throw new InvalidDataException($"hash {Sha}"),
    };
}

/// <summary>A Wycheproof file, read whole. A file that is missing, cut short or of another shape is a failed test, never a skipped one.</summary>
internal sealed record WycheproofFile(int NumberOfTests, WycheproofGroup[] TestGroups)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter() },
    };

    public static string Folder { get; } = Path.Combine(RepositoryRoot(), "tests", "testdata", "wycheproof", "testvectors_v1");

    public static WycheproofFile Read(string name) => JsonSerializer.Deserialize<WycheproofFile>(File.ReadAllText(Path.Combine(Folder, name)), Json)!;

    public int Count(WycheproofResult result) => TestGroups.Sum(group => group.Tests.Count(test => test.Result == result));

    private static string RepositoryRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "PolicyService.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new DirectoryNotFoundException("no PolicyService.sln above the tests");
    }
}
