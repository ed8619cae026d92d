using PolicyService.Core;
using PolicyService.Core.Attestations;
using PolicyService.Core.Images;
using PolicyService.Core.Manifests.Oci;
using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence.Registries;

/// <summary>What came of one layer.</summary>
/// <param name="Signature">What was signed there; null: nothing that is read.</param>
/// <param name="IsCut">It exceeds the limits: what it would say is unknown.</param>
/// <param name="Failure">Why it was not had.</param>
internal readonly record struct CosignPart(RegistrySignature? Signature, bool IsCut, RemoteFailure Failure);

/// <summary>
/// One look beside one image, with what it may still cost. Costs are charged as manifests declare them, in their order and before the
/// first wait, so that the same registry gives the same answer whatever answers first.
/// </summary>
/// <param name="reads">Asks the registry.</param>
/// <param name="large">Places of looks that read much, shared by all: what each holds until its end is bounded, and so is their number.</param>
/// <param name="repository">Where the image lies.</param>
/// <param name="digest">The image's.</param>
/// <param name="fromOrigin">The registry itself is asked before its mirrors.</param>
/// <param name="cancellation">The end of the time for all of it.</param>
internal sealed class CosignLook(
    RegistryReads reads, SemaphoreSlim large, RegistryRepository repository, Digest digest, bool fromOrigin, CancellationToken cancellation) : IDisposable
{
    /// <summary>What a look asks of the registry at the same time.</summary>
    private const int Concurrency = 8;

    /// <summary>Requests that a registry that is well answers in far less than the time for a look.</summary>
    private const int LightRequests = 4 * Concurrency;

    /// <summary>Bytes that a look may hold without a place among the large ones. Signatures take a few kilobytes.</summary>
    private const long SmallBytes = 1024 * 1024;

    /// <summary>Bytes that it sends in far less than the time for an attempt.</summary>
    private const long LightBytes = 4 * 1024 * 1024;

    private readonly SemaphoreSlim _places = new(Concurrency);
    private readonly Dictionary<(Digest, long), Task<RegistryOutcome>> _blobs = [];
    private int _signatures = Limits.SignaturesPerDigest;
    private long _bytes = Limits.RegistryListBytes;
    private int _asked;
    private Task? _place;

    /// <summary>
    /// So much lies beside the image that reading it takes time and requests by itself. Who may push brings that about, so that what comes
    /// of it is no outage of the registry.
    /// </summary>
    public bool IsHeavy => Volatile.Read(ref _asked) > LightRequests || Limits.RegistryListBytes - _bytes > LightBytes;

    public void Dispose()
    {
        _places.Dispose();
        // Nobody may have waited for it, so that it may still come.
        _place?.ContinueWith(_ => large.Release(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    public async Task<IReadOnlyList<CosignManifest>> TaggedAsync()
    {
        var outcome = await AskAsync(() => reads.TaggedManifest(repository, CosignLayer.TagOf(digest), fromOrigin, cancellation));
        return [outcome.IsNotThere ? CosignManifest.Nothing : CosignManifest.Read(outcome, Limits.ManifestBytes)];
    }

    /// <summary>The manifests that refer to the image: those first that look like signatures, which nothing but their content proves.</summary>
    public async Task<IReadOnlyList<CosignManifest>> ReferringAsync()
    {
        var listed = await ReferrersAsync();
        var manifests = listed.Descriptors.Where(descriptor => descriptor.MediaType is OciManifest.Oci or OciManifest.Docker)
            .Reverse().OrderBy(Likelihood).ToArray();
        var isCut = listed.IsCut || manifests.Length > Limits.Referrers;
        var read = await Task.WhenAll(manifests.Take(Limits.Referrers).Select(ReferrerAsync));
        return [.. read, isCut ? CosignManifest.Cut : CosignManifest.Nothing, CosignManifest.Failed(listed.Failure)];
    }

    /// <summary>What the layers of all the manifests hold.</summary>
    public Task<CosignPart[]> PartsAsync(IReadOnlyList<CosignManifest> manifests) =>
        Task.WhenAll(manifests.SelectMany(manifest => manifest.Candidates.Select(candidate => PartAsync(candidate, $"{repository}@{manifest.Digest}"))));

    private static int Likelihood(OciDescriptor descriptor) =>
        descriptor.Annotations.Values.Contains(InTotoStatement.CosignSignature) ? 0
        : SigstoreBundle.IsMediaType(descriptor.ArtifactType) || descriptor.ArtifactType.StartsWith("application/vnd.dev.cosign.", StringComparison.Ordinal) ? 1
        : 2;

    private async Task<ReferrersOutcome> ReferrersAsync()
    {
        try
        {
            return await reads.Referrers(repository, digest, fromOrigin, cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return new ReferrersOutcome([], false, RemoteFailure.Timeout);
        }
    }

    private async Task<CosignManifest> ReferrerAsync(OciDescriptor descriptor)
    {
        if (descriptor.Size > Limits.ManifestBytes || !MayRead(descriptor.Size))
        {
            return CosignManifest.Cut;
        }

        var outcome = await AskAsync(() => reads.Manifest(repository, descriptor.Digest, fromOrigin, cancellation));
        return outcome.IsNotThere ? CosignManifest.Failed(RemoteFailure.MissingContent) : CosignManifest.Read(outcome, descriptor.Size);
    }

    private Task<CosignPart> PartAsync(CosignCandidate candidate, string name)
    {
        if (_signatures == 0 || !MayRead(candidate.Size))
        {
            return Task.FromResult(new CosignPart(null, true, default));
        }

        _signatures--;
        if (!_blobs.TryGetValue((candidate.Layer, candidate.Size), out var blob))
        {
            // Asked for once, whoever shares it; and no more of it than was charged.
            blob = AskAsync(() => reads.Blob(repository, candidate.Layer, (int)candidate.Size, fromOrigin, cancellation));
            _blobs.Add((candidate.Layer, candidate.Size), blob);
        }

        return ReadAsync(blob, candidate.Signature, name);
    }

    private bool MayRead(long size)
    {
        var fits = size <= _bytes;
        _bytes -= fits ? size : 0;
        _place ??= Limits.RegistryListBytes - _bytes > SmallBytes ? large.WaitAsync(cancellation) : null;
        return fits;
    }

    private async Task<CosignPart> ReadAsync(Task<RegistryOutcome> blob, byte[]? signature, string name)
    {
        var outcome = await blob;
        if (outcome.Content is { } content)
        {
            return signature is null ? ReadBundle(content.Bytes, name)
                : new CosignPart(RegistrySignature.Of(name, digest, SignatureFormat.OverPayload, content.Bytes, [signature]), false, default);
        }

        // A manifest names it, so that it is not there is an error like any other.
        return outcome.IsTooLarge ? new CosignPart(null, true, default)
            : new CosignPart(null, false, outcome.IsNotThere ? RemoteFailure.MissingContent : outcome.Failure is RemoteFailure.None ? RemoteFailure.Malformed : outcome.Failure);
    }

    private CosignPart ReadBundle(byte[] json, string name)
    {
        // What is no bundle, or another kind of one, neither helps nor hurts: these bytes are what was pushed.
        if (!SigstoreBundle.TryParse(json, out var bundle, out _) || bundle.Envelope is not { } envelope)
        {
            return new CosignPart(null, bundle?.IsTooLarge is true, default);
        }

        var signatures = envelope.Signatures.Where(value => value.Length <= Limits.SignatureBytes).ToArray();
        return envelope.Payload.Length > Limits.PayloadBytes || signatures.Length == 0
            ? new CosignPart(null, true, default)
            : new CosignPart(RegistrySignature.Of(name, digest, SignatureFormat.Dsse, envelope.Payload, signatures), signatures.Length < envelope.Signatures.Count, default);
    }

    private async Task<RegistryOutcome> AskAsync(Func<Task<RegistryOutcome>> ask)
    {
        try
        {
            // What was charged before there was need of a place is small.
            await (_place ?? Task.CompletedTask);
            await _places.WaitAsync(cancellation);
            try
            {
                Interlocked.Increment(ref _asked);
                return await ask();
            }
            finally
            {
                _places.Release();
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return RegistryOutcome.Failed(RemoteFailure.Timeout);
        }
    }
}
