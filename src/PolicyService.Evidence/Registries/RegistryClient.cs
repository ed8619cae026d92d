using System.Collections.Concurrent;
using PolicyService.Core;
using PolicyService.Core.Images;
using PolicyService.Core.Manifests.Oci;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence.Registries;

/// <summary>
/// Reads from registries (OCI distribution specification 1.1). Everything a registry says is bounded in time and size, hashed here where
/// a digest names it, and told apart: content, a clean "not there", or why nobody knows. Whatever a mirror does not have, or fails at, the
/// host itself is asked for; only the host can say that something is not there. One for the whole process. Thread-safe.
/// </summary>
public sealed class RegistryClient : IDisposable
{
    internal static readonly string[] ManifestTypes = [OciManifest.Oci, OciIndex.Oci, OciManifest.Docker, OciIndex.Docker];

    private readonly ConcurrentDictionary<(string Configuration, string Host), RegistryEndpoint> _endpoints = new();
    // Plain HTTP is another server than TLS, and a host that has had enough of strangers may have time for those it knows: what documents
    // of one project ask for so must not stop another's.
    private readonly ConcurrentDictionary<(string Host, bool IsInsecure), SemaphoreSlim> _places = new();
    private readonly ConcurrentDictionary<(string Host, bool IsInsecure, RegistryCredentials Credentials), HostLimits> _limits = new();
    private readonly RegistryAuthorities _authorities;
    private readonly RegistryCredentialSource _credentials;
    private readonly RegistryMetrics _metrics;
    private readonly RegistryTransport _transport;
    private readonly TimeSpan _realmPatience;
    private readonly TimeProvider _time;

    /// <param name="settings">What the service brings to every registry.</param>
    /// <param name="credentials">Gives credentials; asked only after a host has asked for one.</param>
    /// <param name="metrics">Counts questions.</param>
    /// <param name="time">The clock.</param>
    internal RegistryClient(RegistrySettings settings, RegistryCredentialSource credentials, RegistryMetrics metrics, TimeProvider time)
    {
        (_authorities, _credentials, _metrics, _time) = (new RegistryAuthorities(settings.CaFile), credentials, metrics, time);
        // For the realm less than for the registry, so that it is plain who did not answer.
        (_transport, _realmPatience) = (new RegistryTransport(settings.Attempt, metrics, time), settings.Attempt * 2 / 3);
    }

    /// <summary>Hosts in memory.</summary>
    internal int Count => _endpoints.Count;

    /// <summary>The manifest or index with this digest; its bytes hash to it.</summary>
    /// <param name="repository">Where it lies.</param>
    /// <param name="digest">What is asked for.</param>
    /// <param name="fromOrigin">The answer would deny, or did: the host itself is asked first, and its mirrors only while it is down.</param>
    /// <param name="cancellation">The end of the time; the outcome is then <see cref="RemoteFailure.Timeout"/>.</param>
    public Task<RegistryOutcome> GetManifestAsync(RegistryRepository repository, Digest digest, bool fromOrigin, CancellationToken cancellation) =>
        GetAsync(repository, new RegistryRequest(repository.Path, $"manifests/{digest}", "", ManifestTypes, Limits.ManifestBytes), digest, fromOrigin, cancellation);

    /// <summary>The manifest or index that a tag points to now. Its digest is computed here.</summary>
    /// <param name="repository">Where it lies.</param>
    /// <param name="tag">As the grammar of references has it.</param>
    /// <param name="fromOrigin">The answer would deny, or did: the host itself is asked first, and its mirrors only while it is down.</param>
    /// <param name="cancellation">The end of the time; the outcome is then <see cref="RemoteFailure.Timeout"/>.</param>
    /// <exception cref="ArgumentException">It is no tag.</exception>
    public Task<RegistryOutcome> GetManifestAsync(RegistryRepository repository, string tag, bool fromOrigin, CancellationToken cancellation) =>
        ImageReference.TryParse($"{repository}:{tag}", out var image) && image.Tag == tag && image.Name == repository.ToString()
            ? GetAsync(repository, new RegistryRequest(repository.Path, $"manifests/{tag}", "", ManifestTypes, Limits.ManifestBytes), null, fromOrigin, cancellation)
            : throw new ArgumentException("no tag", nameof(tag));

    /// <summary>The blob with this digest; its bytes hash to it.</summary>
    /// <param name="repository">Where it lies.</param>
    /// <param name="digest">What is asked for.</param>
    /// <param name="maxBytes">The longest that is of use.</param>
    /// <param name="fromOrigin">The answer would deny, or did: the host itself is asked first, and its mirrors only while it is down.</param>
    /// <param name="cancellation">The end of the time; the outcome is then <see cref="RemoteFailure.Timeout"/>.</param>
    public Task<RegistryOutcome> GetBlobAsync(RegistryRepository repository, Digest digest, int maxBytes, bool fromOrigin, CancellationToken cancellation) =>
        GetAsync(repository, new RegistryRequest(repository.Path, $"blobs/{digest}", "", [], maxBytes), digest, fromOrigin, cancellation);

    /// <summary>What refers to a manifest: the registry's list, page for page, or the tag <c>sha256-…</c> of registries that have no such list.</summary>
    /// <param name="repository">Where it lies.</param>
    /// <param name="subject">What is referred to.</param>
    /// <param name="fromOrigin">The answer would deny, or did: the host itself is asked first, and its mirrors only while it is down.</param>
    /// <param name="cancellation">The end of the time; the outcome is then <see cref="RemoteFailure.Timeout"/>.</param>
    public Task<ReferrersOutcome> ListReferrersAsync(RegistryRepository repository, Digest subject, bool fromOrigin, CancellationToken cancellation) => FindAsync(
        repository,
        fromOrigin,
        (endpoint, attempts) => new ReferrersList(_transport, endpoint, attempts).ReadAsync(repository.Path, subject, cancellation),
        outcome => outcome is { Failure: RemoteFailure.None, IsCut: false, Descriptors.Count: > 0 },
        outcome => outcome.Failure,
        cancellation);

    public void Dispose()
    {
        foreach (var endpoint in _endpoints.Values)
        {
            endpoint.Http.Dispose();
        }
    }

    private Task<RegistryOutcome> GetAsync(RegistryRepository repository, RegistryRequest request, Digest? digest, bool fromOrigin, CancellationToken cancellation) => FindAsync(
        repository,
        fromOrigin,
        async (endpoint, attempts) =>
        {
            var outcome = Read(await _transport.SendAsync(endpoint, request, attempts, cancellation), digest);
            _metrics.Count(outcome);
            return outcome;
        },
        outcome => outcome.Content is not null,
        outcome => outcome.Failure,
        cancellation);

    /// <summary>The first mirror that has it, or the host; or the other way round.</summary>
    private async Task<T> FindAsync<T>(RegistryRepository repository, bool fromOrigin, Func<RegistryEndpoint, int, Task<T>> ask, Func<T, bool> isFound, Func<T, RemoteFailure> failureOf, CancellationToken cancellation)
    {
        var origin = EndpointOf(repository, repository.Registry.Host);
        var said = fromOrigin ? await ask(origin, RegistryTransport.Attempts) : default;
        if (fromOrigin && !RemoteFailures.IsOutage(failureOf(said!)))
        {
            return said!;
        }

        foreach (var mirror in repository.Registry.Mirrors.Select(host => EndpointOf(repository, host)).Where(mirror => !mirror.IsPassedOver))
        {
            var found = await ask(mirror, 1);
            if (isFound(found))
            {
                return found;
            }

            // Where the caller's time ended, the mirror has not failed.
            if (RemoteFailures.IsOutage(failureOf(found)) && !cancellation.IsCancellationRequested)
            {
                mirror.PassOver();
            }
        }

        return fromOrigin ? said! : await ask(origin, RegistryTransport.Attempts);
    }

    private static RegistryOutcome Read(RegistryReply reply, Digest? asked)
    {
        if (reply.Body is not { } body)
        {
            return reply.IsTooLarge ? RegistryOutcome.TooLarge : reply.IsNotThere ? RegistryOutcome.NotThere : RegistryOutcome.Failed(reply.Failure);
        }

        var digest = Digest.Of(body);
        var isRight = asked is { } named ? digest == named : reply.ContentDigests.All(stated => stated == digest.ToString() || IsOther(stated));
        return isRight ? RegistryOutcome.Of(new RegistryContent(body, reply.MediaType, digest)) : RegistryOutcome.Failed(RemoteFailure.WrongDigest);
    }

    // A digest of another algorithm says nothing against ours.
    private static bool IsOther(string stated) => stated.StartsWith("sha512:", StringComparison.Ordinal) || stated.StartsWith("sha384:", StringComparison.Ordinal);

    private RegistryEndpoint EndpointOf(RegistryRepository repository, string host)
    {
        if (_endpoints.Count >= Limits.RegistryHosts && !_endpoints.ContainsKey((repository.Registry.Configuration, host)))
        {
            // They come from documents, and documents change. Who uses one keeps it; its connections end when they have been idle.
            _endpoints.Clear();
            _limits.Clear();
            _places.Clear();
        }

        return _endpoints.GetOrAdd(
            (repository.Registry.Configuration, host), _ => new RegistryEndpoint(repository.Registry, host, LimitsOf(repository.Registry, host), _authorities, _credentials, _realmPatience, _metrics, _time));
    }

    private HostLimits LimitsOf(RegistryOptions registry, string host) => _limits.GetOrAdd(
        (host, registry.IsInsecure, registry.Credentials),
        _ => new HostLimits(_places.GetOrAdd((host, registry.IsInsecure), _ => new SemaphoreSlim(Limits.RegistryConcurrency, Limits.RegistryConcurrency)), _time));
}
