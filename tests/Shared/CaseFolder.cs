using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace PolicyService.Tests;

/// <summary>One folder of <c>tests/testdata/evaluate</c>: a question, the documents it is asked of, and the answer.</summary>
public sealed class CaseFolder
{
    private const string RequestFile = "request.json";
    private const string WantFile = "want.json";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectRequiredConstructorParameters = true,
        NewLine = "\n",
    };

    private readonly string _path;

    private CaseFolder(string name)
    {
        (Name, _path) = (name, Path.Combine(Root, name));
        Question = JsonSerializer.Deserialize<CaseQuestion>(File.ReadAllText(Path.Combine(_path, RequestFile)), Json)!;
    }

    /// <summary>The folder of all cases.</summary>
    public static string Root { get; } = Path.Combine(TestData(), "evaluate");

    /// <summary>Every folder but the keys, whether or not it can be read: one that cannot be read fails its test.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [.. Directory.GetDirectories(Root).Select(path => Path.GetFileName(path)!).Where(name => name != "keys").Order(StringComparer.Ordinal)];

    public string Name { get; }

    public CaseQuestion Question { get; }

    public static CaseFolder Load(string name) => new(name);

    /// <summary>The documents, by their path relative to the folder, with <c>/</c> as separator.</summary>
    public IReadOnlyDictionary<string, byte[]> Documents() => Directory.GetFiles(_path, "*", SearchOption.AllDirectories)
        .Select(file => (File: file, Place: Path.GetRelativePath(_path, file).Replace('\\', '/')))
        .Where(file => file.Place is not (RequestFile or WantFile))
        .ToDictionary(file => file.Place, file => File.ReadAllBytes(file.File), StringComparer.Ordinal);

    public CaseAnswer Want() => JsonSerializer.Deserialize<CaseAnswer>(File.ReadAllText(Path.Combine(_path, WantFile)), Json)!;

    /// <summary>The request as proto3 JSON reads it; a field this does not know fails the case.</summary>
    public CaseRequest Request() => Question.Request.Deserialize<CaseRequest>(Json)!;

    /// <summary>Compares with <c>want.json</c>. UPDATE_GOLDEN=1 rewrites it; the reviewer then reads the change as a diff.</summary>
    public void AssertGolden(CaseAnswer actual)
    {
        var path = Path.Combine(_path, WantFile);
        var text = JsonSerializer.Serialize(actual, Json) + "\n";
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(path, text);
        }

        Assert.Equal(File.ReadAllText(path), text);
    }

    private static string TestData()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !Directory.Exists(Path.Combine(folder.FullName, "tests", "testdata")))
        {
            folder = folder.Parent;
        }

        return Path.Combine(folder?.FullName ?? throw new DirectoryNotFoundException("tests/testdata is above no test binary"), "tests", "testdata");
    }
}

/// <summary><c>request.json</c>.</summary>
/// <param name="Request">An EvaluateRequest as proto3 JSON.</param>
/// <param name="EvaluateTime">What the evaluation uses as now.</param>
/// <param name="CoreOnly">Why a running server cannot give this answer; absent where it can.</param>
/// <param name="Facts">What the world did, where documents cannot say it.</param>
public sealed record CaseQuestion(JsonElement Request, DateTimeOffset EvaluateTime, string? CoreOnly = null, CaseFacts? Facts = null);

/// <summary>Facts that no document can bring about.</summary>
public sealed record CaseFacts(CaseSnapshotAge? SnapshotAge = null, CaseGrants? Grants = null, IReadOnlyList<CaseFailure>? Failures = null);

/// <summary>How far the documents are from their source; <paramref name="Age"/> is written as options write a duration.</summary>
public sealed record CaseSnapshotAge(bool Stale, string Age);

/// <summary>What the caller is granted; everything, where nothing is said.</summary>
public sealed record CaseGrants(bool BreakGlass = true, bool InlineAttestations = true);

/// <summary>Evidence of one attestor that could not be had.</summary>
public sealed record CaseFailure(string Attestor, string Code, string Detail, bool OwnFault);

/// <summary>An EvaluateRequest, as far as it decides anything.</summary>
public sealed record CaseRequest
{
    public string ImageDigest { get; init; } = "";

    public string Cluster { get; init; } = "";

    public string Project { get; init; } = "";

    public string Namespace { get; init; } = "";

    public string ServiceAccount { get; init; } = "";

    public string IstioIdentity { get; init; } = "";

    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    public IReadOnlyDictionary<string, string> Annotations { get; init; } = new Dictionary<string, string>();

    public CaseBreakGlass? BreakGlass { get; init; }

    public IReadOnlyList<CaseInlineAttestation> Attestations { get; init; } = [];

    public bool Preview { get; init; }

    public bool Explain { get; init; }
}

public sealed record CaseBreakGlass(string Justification = "");

public sealed record CaseInlineAttestation(byte[] SerializedPayload, byte[] Signature, string PublicKeyId, string Attestor);

/// <summary><c>want.json</c>: a decision, or why there is none.</summary>
public sealed record CaseAnswer
{
    public CaseError? Error { get; init; }

    public string? Verdict { get; init; }

    public string? Conformance { get; init; }

    public IReadOnlyList<CaseReason>? Reasons { get; init; }

    public bool? BreakGlass { get; init; }

    public string? FailMode { get; init; }

    public bool? Stale { get; init; }

    public string? OverriddenVerdict { get; init; }

    public string? OverriddenConformance { get; init; }
}

/// <summary>A refusal of the request: a gRPC status by name, and the field at fault as the contract names it.</summary>
public sealed record CaseError(string Code, string Field);

public sealed record CaseReason
{
    public required string Code { get; init; }

    public string? Detail { get; init; }

    public required string Text { get; init; }

    public string? Attestor { get; init; }

    public string? KeyId { get; init; }

    public string? Check { get; init; }

    public string? Remedy { get; init; }
}
