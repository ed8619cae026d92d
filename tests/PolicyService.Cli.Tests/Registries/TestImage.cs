using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using PolicyService.Tests.Registries;

namespace PolicyService.Cli.Tests.Registries;

/// <summary>A registry on this machine with one repository, filled by the test; and keys in files.</summary>
internal sealed class TestImage : IAsyncDisposable
{
    public const string ManifestType = "application/vnd.oci.image.manifest.v1+json";
    public const string IndexType = "application/vnd.oci.image.index.v1+json";
    public const string BundleType = "application/vnd.dev.sigstore.bundle.v0.3+json";
    public const string CosignPredicate = "https://sigstore.dev/cosign/sign/v1";
    private const string Path = "/v2/acme/api/";
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("policyctl-registry-");
    private readonly ConcurrentDictionary<string, (string Type, byte[] Content)> _content = new();
    private readonly Dictionary<string, JsonArray> _referrers = [];

    public TestImage()
    {
        Registry = new HostileRegistry().With(Serve);
        Key = Folder("key.pub", Signer.ExportSubjectPublicKeyInfoPem());
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        OtherKey = Folder("other.pub", other.ExportSubjectPublicKeyInfoPem());
        Digest = Tag("v1", Manifest());
    }

    public HostileRegistry Registry { get; }

    public ECDsa Signer { get; } = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public string Key { get; }

    public string OtherKey { get; }

    /// <summary>The image at tag v1.</summary>
    public string Digest { get; }

    public string Name => $"{Registry.Host}/acme/api";

    /// <summary>What is answered instead, by the path below the repository; null: what is there.</summary>
    public Func<string, HostileAnswer?> Instead { get; set; } = _ => null;

    public static string DigestOf(byte[] content) => $"sha256:{Convert.ToHexStringLower(SHA256.HashData(content))}";

    public static string TagOf(string digest, string suffix) => $"{digest.Replace(':', '-')}.{suffix}";

    public async ValueTask DisposeAsync()
    {
        await Registry.DisposeAsync();
        Signer.Dispose();
        _folder.Delete(recursive: true);
    }

    public string Folder(string name, string content)
    {
        var path = System.IO.Path.Combine(_folder.FullName, name);
        File.WriteAllText(path, content);
        return path;
    }

    public static JsonObject Manifest(params JsonObject[] layers) => new()
    {
        ["schemaVersion"] = 2,
        ["mediaType"] = ManifestType,
        ["config"] = Descriptor("application/vnd.oci.image.config.v1+json", "{}"u8.ToArray()),
        ["layers"] = new JsonArray([.. layers]),
    };

    public static JsonObject Index(params JsonObject[] manifests) => new() { ["schemaVersion"] = 2, ["mediaType"] = IndexType, ["manifests"] = new JsonArray([.. manifests]) };

    public static JsonObject Descriptor(string type, byte[] content) => new() { ["mediaType"] = type, ["digest"] = DigestOf(content), ["size"] = content.Length };

    /// <summary>Puts a document there by digest, and under a tag.</summary>
    public string Tag(string? tag, JsonObject document)
    {
        var bytes = Encoding.UTF8.GetBytes(document.ToJsonString());
        var entry = ((string)document["mediaType"]!, bytes);
        _content[$"manifests/{DigestOf(bytes)}"] = entry;
        if (tag is not null)
        {
            _content[$"manifests/{tag}"] = entry;
        }

        return DigestOf(bytes);
    }

    /// <summary>A child of an index, which is put there too.</summary>
    public JsonObject Child(JsonObject document, string? platform = null)
    {
        var digest = Tag(null, document);
        var child = new JsonObject { ["mediaType"] = (string)document["mediaType"]!, ["digest"] = digest, ["size"] = document.ToJsonString().Length };
        if (platform is not null)
        {
            child["platform"] = new JsonObject { ["os"] = platform.Split('/')[0], ["architecture"] = platform.Split('/')[1] };
        }

        return child;
    }

    /// <summary>A signature as cosign 2 puts it.</summary>
    public JsonObject SimpleSigning(string? digest = null, string type = "cosign container image signature")
    {
        var payload = Encoding.UTF8.GetBytes($$$"""{"critical":{"identity":{"docker-reference":"{{{Name}}}"},"image":{"docker-manifest-digest":"{{{digest ?? Digest}}}"},"type":"{{{type}}}"},"optional":null}""");
        var layer = Blob("application/vnd.dev.cosign.simplesigning.v1+json", payload);
        layer["annotations"] = new JsonObject { ["dev.cosignproject.cosign/signature"] = Convert.ToBase64String(Sign(payload)) };
        return layer;
    }

    /// <summary>A statement about the image in an envelope, signed.</summary>
    public JsonObject Envelope(string predicateType, params string[] digests)
    {
        var subjects = (digests.Length > 0 ? digests : [Digest]).Select(digest => new JsonObject { ["name"] = "", ["digest"] = new JsonObject { ["sha256"] = digest[7..] } });
        var statement = new JsonObject { ["_type"] = "https://in-toto.io/Statement/v1", ["subject"] = new JsonArray([.. subjects]), ["predicateType"] = predicateType, ["predicate"] = new JsonObject() };
        var payload = Encoding.UTF8.GetBytes(statement.ToJsonString());
        byte[] encoded = [.. Encoding.UTF8.GetBytes($"DSSEv1 28 application/vnd.in-toto+json {payload.Length} "), .. payload];
        return new JsonObject
        {
            ["payloadType"] = "application/vnd.in-toto+json",
            ["payload"] = Convert.ToBase64String(payload),
            ["signatures"] = new JsonArray(new JsonObject { ["sig"] = Convert.ToBase64String(Sign(encoded)) }),
        };
    }

    /// <summary>A layer that holds these bytes, which are put there.</summary>
    public JsonObject Blob(string type, byte[] content)
    {
        _content[$"blobs/{DigestOf(content)}"] = (type, content);
        return Descriptor(type, content);
    }

    public JsonObject Bundle(JsonObject envelope) => Blob(BundleType, Encoding.UTF8.GetBytes(new JsonObject { ["mediaType"] = BundleType, ["verificationMaterial"] = new JsonObject(), ["dsseEnvelope"] = envelope }.ToJsonString()));

    /// <summary>A manifest that refers to the image.</summary>
    public string Refer(string artifactType, params JsonObject[] layers)
    {
        var manifest = Manifest(layers);
        manifest["artifactType"] = artifactType;
        manifest["subject"] = new JsonObject { ["mediaType"] = ManifestType, ["digest"] = Digest, ["size"] = 1 };
        var entry = Child(manifest);
        entry["artifactType"] = artifactType;
        _referrers.TryAdd(Digest, []);
        _referrers[Digest].Add(entry);
        return (string)entry["digest"]!;
    }

    private byte[] Sign(byte[] data) => Signer.SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);

    private HostileAnswer? Serve(HostileCall call)
    {
        var path = call.Path.StartsWith(Path, StringComparison.Ordinal) ? call.Path[Path.Length..] : call.Path;
        if (Instead(path) is { } other)
        {
            return other;
        }

        if (path.StartsWith("referrers/", StringComparison.Ordinal))
        {
            var list = Index([.. (_referrers.GetValueOrDefault(path["referrers/".Length..]) ?? []).Select(entry => entry!.DeepClone().AsObject())]);
            return HostileAnswer.Of(200, list.ToJsonString(), $"content-type: {IndexType}");
        }

        return _content.TryGetValue(path, out var found) ? new HostileAnswer(200, found.Content, $"content-type: {found.Type}") : null;
    }
}
