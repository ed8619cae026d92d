using System.Collections.Concurrent;
using PolicyService.Core.Images;
using PolicyService.Core.Manifests.Oci;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Registries;
using PolicyService.Evidence.Remote;
using PolicyService.Tests.Registries;

namespace PolicyService.Evidence.Tests.Registries;

/// <summary>What lies beside one image, as a client of a registry would give it, with every question kept.</summary>
internal sealed class FakeRegistry
{
    public static readonly RegistryRepository Repository = new(new RegistryOptions("a.test", false, [], RegistryCredentials.None, []), "i");

    private readonly Dictionary<string, byte[]> _contents = [];
    private readonly List<OciDescriptor> _referrers = [];
    private byte[]? _tagged;

    public ConcurrentQueue<string> Asked { get; } = new();

    /// <summary>Answers in place of the content with a digest; null: as it is.</summary>
    public Func<string, RegistryOutcome?> Instead { get; set; } = _ => null;

    /// <summary>How the list of referrers ends.</summary>
    public (bool IsCut, RemoteFailure Failure) Referrers { get; set; }

    public RegistryReads Reads => new(
        (_, tag, _, _) => AskAsync(tag, _tagged),
        (_, digest, _, _) => AskAsync($"{digest}", _contents.GetValueOrDefault($"{digest}")),
        (_, digest, most, _, _) => AskAsync($"{digest}", _contents.GetValueOrDefault($"{digest}"), most),
        (_, digest, _, _) =>
        {
            Asked.Enqueue($"referrers of {digest}");
            return Task.FromResult(new ReferrersOutcome(_referrers, Referrers.IsCut, Referrers.Failure));
        });

    /// <summary>What the tag of the image's signatures names.</summary>
    public FakeRegistry Tag(byte[] manifest)
    {
        _tagged = manifest;
        return this;
    }

    /// <summary>Simple-signing layers there.</summary>
    public FakeRegistry Sign(params (byte[] Payload, byte[] Signature)[] signatures)
    {
        foreach (var (payload, _) in signatures)
        {
            Add(payload);
        }

        return Tag(CosignWriter.Manifest(signatures.Select(one => CosignWriter.SignatureLayer(one.Payload, one.Signature))));
    }

    public string Add(byte[] content)
    {
        var digest = DockerRegistry.DigestOf(content);
        _contents[digest] = content;
        return digest;
    }

    /// <summary>Nothing lies beside the image any more.</summary>
    public void Forget()
    {
        _tagged = null;
        _referrers.Clear();
        Referrers = default;
    }

    public void Remove(string digest) => _contents.Remove(digest);

    /// <summary>A manifest that refers to the image, with these layers.</summary>
    public string Refer(IEnumerable<string> layers, string artifactType = CosignWriter.BundleType, long? size = null)
    {
        var manifest = CosignWriter.Manifest(layers, $",\"artifactType\":\"{artifactType}\"{CosignWriter.SubjectOf($"{Attestations.Image}")}");
        var digest = Add(manifest);
        _referrers.Add(new OciDescriptor(CosignWriter.ManifestType, CosignBench.Parse(digest), size ?? manifest.Length, artifactType, new Dictionary<string, string>(), null));
        return digest;
    }

    /// <summary>A bundle in such a manifest.</summary>
    public string Refer(byte[] bundle, string artifactType = CosignWriter.BundleType)
    {
        Add(bundle);
        return Refer([CosignWriter.Layer(bundle, CosignWriter.BundleType)], artifactType);
    }

    public Task<RegistryList> ListAsync(CancellationToken? ending = null) =>
        new CosignSignatures(Reads).ListAsync(Repository, Attestations.Image, fromOrigin: false, ending ?? TestContext.Current.CancellationToken);

    private async Task<RegistryOutcome> AskAsync(string what, byte[]? content, int most = int.MaxValue)
    {
        Asked.Enqueue(what);
        await Task.Yield();
        return Instead(what) ?? (content is null ? RegistryOutcome.NotThere
            : content.Length > most ? RegistryOutcome.TooLarge
            : RegistryOutcome.Of(new RegistryContent(content, "", Digest.Of(content))));
    }
}
