using PolicyService.Core.Attestors;
using PolicyService.Core.Images;
using PolicyService.Evidence.Caching;
using PolicyService.Evidence.Http;
using PolicyService.Evidence.Keys;
using PolicyService.Tests.Kms;

namespace PolicyService.Evidence.Tests.Keys;

/// <summary>A stand-in with keys, our client to it, and a cache over that.</summary>
internal sealed class KmsBench : IAsyncDisposable
{
    public const string Ring = "projects/acme/locations/eu/keyRings/r/cryptoKeys/";
    public const string Resource = Ring + "k/cryptoKeyVersions/1";

    private readonly KmsLease _client;

    public KmsBench(string algorithm = "EC_SIGN_P256_SHA256", ISharedCache? shared = null, KeyLifetimes? lifetimes = null, TimeProvider? time = null)
    {
        Key = StandIn.Add(Resource, algorithm);
        _client = Connect();
        // A busy machine must not look like a slow key service: only the tests of that set times.
        Cache = new PublicKeyCache(Client, shared ?? NoSharedCache.Instance, Metrics, time ?? TimeProvider.System, (lifetimes ?? new KeyLifetimes()) with { Fetch = TimeSpan.FromMinutes(5) });
    }

    public KmsStandIn StandIn { get; } = new();

    public KmsStandInKey Key { get; }

    public KeyMetrics Metrics { get; } = new();

    public CloudKmsClient Client => _client.Client;

    public PublicKeyCache Cache { get; }

    public static KmsKeyName Name => NameOf(Resource);

    /// <summary>The key as a document has it that says the least.</summary>
    public RemoteKey Remote => RemoteOf(Resource, Key);

    public static KmsKeyName NameOf(string resource) =>
        KmsKeyName.TryParse(KmsKeyName.BinaryAuthorizationPrefix + resource, out var name) ? name : throw new ArgumentException(resource);

    public static RemoteKey RemoteOf(string resource, KmsStandInKey key) =>
        new(NameOf(resource), SignatureAlgorithm.Unspecified) { Pin = Digest.TryParse(key.Pin, out var pin) ? pin : throw new ArgumentException(key.Pin) };

    public KmsLease Connect(AccessTokenSource? tokens = null, TimeSpan? attempt = null) => KmsLease.To(StandIn.Url, tokens, Metrics, attempt);

    /// <summary>The outcome of one question in a word: <c>FOUND</c>, or the failure's name.</summary>
    public Task<string> AskAsync() => AskAsync(Remote);

    public async Task<string> AskAsync(RemoteKey remote) => Word(await Cache.ResolveAsync(remote, TestContext.Current.CancellationToken));

    public static string Word(KeyResolution resolution) => resolution is KeyResolution.Missing missing ? KeyFailures.Name(missing.Failure) : "FOUND";

    public long Count(KeyLevel level, string outcome) => Metrics.Read().Single(one => one.Level == level && one.Outcome == outcome).Count;

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await StandIn.DisposeAsync();
    }
}

/// <summary>A client of its own.</summary>
internal sealed record KmsLease(CloudKmsClient Client) : IDisposable
{
    public static KmsLease To(string url, AccessTokenSource? tokens = null, KeyMetrics? metrics = null, TimeSpan? attempt = null) => new(new CloudKmsClient(
        KmsEndpoint.TryParse(url, out var endpoint) ? endpoint : throw new ArgumentException(url), tokens, attempt ?? TimeSpan.FromMinutes(2), metrics ?? new KeyMetrics(), TimeProvider.System));

    public void Dispose() => Client.Dispose();
}
