using PolicyService.Core;
using PolicyService.Core.Attestations;
using PolicyService.Core.Images;
using PolicyService.Core.Manifests.Oci;
using PolicyService.Evidence.Registries;
using PolicyService.Evidence.Remote;

namespace PolicyService.Cli.Registries;

/// <summary>Reads everything attached to an image. What an index lists is followed to a depth, and for so many images in all.</summary>
internal sealed class TreeLook(RegistryAccess registries, RegistryTask task, CancellationToken cancellation)
{
    /// <summary>Indexes within indexes are followed so deep (SEMANTICS section 7).</summary>
    public const int MaxDepth = 2;

    /// <summary>Images that are looked beside, the first one among them.</summary>
    public const int MaxImages = 50;

    /// <summary>Attestations that are read beside one image.</summary>
    public const int MaxAttestations = 100;

    private const string EnvelopeType = "application/vnd.dsse.envelope.v1+json";
    private const string ReferenceType = "vnd.docker.reference.type";
    private int _images;

    public Task<ImageTree> ReadAsync(Digest digest) => ReadAsync(digest, "", 0);

    private async Task<ImageTree> ReadAsync(Digest digest, string label, int depth)
    {
        _images++;
        var problems = new List<string>();
        var outcome = await registries.Client.GetManifestAsync(task.Repository, digest, fromOrigin: true, cancellation);
        if (outcome.Content is not { } content)
        {
            return new ImageTree(digest, label, [], [], [], [LookFailure.Of(task.Repository, $"manifest {digest}", outcome).Message]);
        }

        var signed = new List<SignatureFinding>();
        var list = await registries.ListSignaturesAsync(task.Repository, digest, fromOrigin: true, cancellation);
        signed.AddRange(list.Signatures.Select(signature => SignatureFinding.Of(signature, digest, task.Keys)));
        Note(problems, "signatures", list.IsCut, list.Failure);
        signed.AddRange(await AttestationsAsync(digest, problems));
        var referrers = await registries.Client.ListReferrersAsync(task.Repository, digest, fromOrigin: true, cancellation);
        Note(problems, "referrers", referrers.IsCut, referrers.Failure);
        var shown = referrers.Descriptors.Take(Limits.Referrers).Select(one => new Referrer(one.Digest, one.ArtifactType, one.Size)).ToArray();
        if (referrers.Descriptors.Count > shown.Length)
        {
            problems.Add($"there are {referrers.Descriptors.Count - shown.Length} more referrers than are shown");
        }

        var (type, children) = await ChildrenAsync(content.Bytes, depth, problems);
        return new ImageTree(digest, label.Length > 0 ? label : type, signed, shown, children, problems);
    }

    private async Task<(string Type, IReadOnlyList<ImageTree> Children)> ChildrenAsync(byte[] bytes, int depth, List<string> problems)
    {
        if (OciManifest.TryParse(bytes, out var manifest, out _))
        {
            return (manifest.ArtifactType.Length > 0 ? manifest.ArtifactType : manifest.MediaType.Length > 0 ? manifest.MediaType : OciManifest.Oci, []);
        }

        if (!OciIndex.TryParse(bytes, out var index, out _))
        {
            problems.Add("it is neither a manifest nor an index");
            return ("unknown", []);
        }

        var type = index.MediaType.Length > 0 ? index.MediaType : OciIndex.Oci;
        if (index.IsCut || index.Unusable > 0)
        {
            problems.Add("the index lists more than is read, or by other digests than sha256");
        }

        if (depth == MaxDepth && index.Manifests.Count > 0)
        {
            problems.Add($"what the index lists is not followed: it lies deeper than {MaxDepth} indexes");
            return (type, []);
        }

        var children = new List<ImageTree>();
        foreach (var child in index.Manifests)
        {
            if (_images >= MaxImages)
            {
                problems.Add($"more than {MaxImages} images: {index.Manifests.Count - children.Count} children are not shown");
                break;
            }

            children.Add(await ReadAsync(child.Digest, LabelOf(child), depth + 1));
        }

        return (type, children);
    }

    private static string LabelOf(OciDescriptor child) =>
        child.Annotations.TryGetValue(ReferenceType, out var reference) ? reference
        : child.Platform is { } platform ? string.Join('/', new[] { platform.Os, platform.Architecture, platform.Variant }.Where(part => part.Length > 0))
        : child.MediaType;

    /// <summary>What cosign keeps under the tag <c>sha256-….att</c>: an envelope per layer.</summary>
    private async Task<IReadOnlyList<SignatureFinding>> AttestationsAsync(Digest digest, List<string> problems)
    {
        var outcome = await registries.Client.GetManifestAsync(task.Repository, $"sha256-{digest.Hex}.att", fromOrigin: true, cancellation);
        if (outcome.IsNotThere)
        {
            return [];
        }

        if (outcome.Content is not { } content || !OciManifest.TryParse(content.Bytes, out var manifest, out _))
        {
            problems.Add($"attestations: {(outcome.Content is null ? LookFailure.Of(task.Repository, "manifest of attestations", outcome).Message : "their manifest is none")}");
            return [];
        }

        var layers = manifest.Layers.Where(layer => layer.MediaType == EnvelopeType).ToArray();
        if (manifest.IsCut || manifest.Unusable > 0 || layers.Length > MaxAttestations)
        {
            problems.Add("attestations: there are more than are read");
        }

        var place = $"{task.Repository}@{content.Digest}";
        var found = new List<SignatureFinding>();
        foreach (var layer in layers.Take(MaxAttestations))
        {
            var blob = await registries.Client.GetBlobAsync(task.Repository, layer.Digest, Limits.EnvelopeBytes, fromOrigin: true, cancellation);
            if (blob.Content is null)
            {
                problems.Add($"attestations: {(blob.IsTooLarge ? $"one has more than {Limits.EnvelopeBytes} bytes" : LookFailure.Of(task.Repository, "blob of an attestation", blob).Message)}");
                continue;
            }

            found.Add(DsseEnvelope.TryParse(blob.Content.Bytes, out var envelope, out var problem)
                ? SignatureFinding.OfStatement(place, envelope.Payload, envelope.Signatures, digest, task.Keys)
                : new SignatureFinding(place, SignatureFinding.Dsse, "", null, problem));
        }

        return found;
    }

    private void Note(List<string> problems, string what, bool isCut, RemoteFailure failure)
    {
        if (failure is not RemoteFailure.None)
        {
            problems.Add($"{what}: {LookFailure.Of(task.Repository, failure).Message}");
        }

        if (isCut)
        {
            problems.Add($"{what}: there are more, or larger ones, than are read");
        }
    }
}
