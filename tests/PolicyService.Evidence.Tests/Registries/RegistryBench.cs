using System.Text;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Registries;
using PolicyService.Tests.Registries;

namespace PolicyService.Evidence.Tests.Registries;

/// <summary>A client, one registry that misbehaves as told, and as many others as a test needs.</summary>
internal sealed class RegistryBench : IAsyncDisposable
{
    /// <summary>An attempt has all the time a busy machine may need; a test that waits for its end says so.</summary>
    internal static readonly TimeSpan Patient = TimeSpan.FromMinutes(2);

    private readonly List<HostileRegistry> _others = [];

    public RegistryBench(HostileRegistry? registry = null, RegistrySettings? settings = null, TimeSpan? attempt = null, TimeProvider? time = null)
    {
        Registry = registry ?? new HostileRegistry();
        Client = new RegistryClient((settings ?? new RegistrySettings()) with { Attempt = attempt ?? Patient }, (_, host, isRefused, _) => ValueTask.FromResult(Credential(host, isRefused)), Metrics, time ?? TimeProvider.System);
    }

    public HostileRegistry Registry { get; }

    public RegistryClient Client { get; }

    public RegistryMetrics Metrics { get; } = new();

    /// <summary>What the source of credentials gives.</summary>
    public Func<string, bool, RegistryCredential?> Credential { get; set; } = (_, _) => null;

    public IReadOnlyList<string> Mirrors { get; set; } = [];

    public List<string> PrivateHosts { get; } = [];

    public string Path { get; set; } = "acme/api";

    public RegistryRepository Repository => new(new RegistryOptions(Registry.Host, Registry.Url.StartsWith("http:", StringComparison.Ordinal), Mirrors, RegistryCredentials.DockerConfig, PrivateHosts), Path);

    public static Digest DigestOf(string text) => Digest.Of(Encoding.UTF8.GetBytes(text));

    /// <summary>Another host, which nothing but a test knows of.</summary>
    public HostileRegistry Other(Func<HostileCall, HostileAnswer?> answer, bool isListed = true)
    {
        var other = new HostileRegistry().With(answer);
        _others.Add(other);
        if (isListed)
        {
            PrivateHosts.Add(other.Host);
        }

        return other;
    }

    /// <summary>Asks for the manifest with the digest of this text; the text of the content, or what came instead.</summary>
    public async Task<string> ManifestAsync(string text = "hello", bool fromOrigin = false) =>
        Text(await Client.GetManifestAsync(Repository, DigestOf(text), fromOrigin, TestContext.Current.CancellationToken));

    public async Task<string> TagAsync(string tag = "v1", bool fromOrigin = false) =>
        Text(await Client.GetManifestAsync(Repository, tag, fromOrigin, TestContext.Current.CancellationToken));

    public Task<ReferrersOutcome> ReferrersAsync(bool fromOrigin = false) =>
        Client.ListReferrersAsync(Repository, DigestOf("hello"), fromOrigin, TestContext.Current.CancellationToken);

    public static string Text(RegistryOutcome outcome) =>
        outcome.Content is { } content ? Encoding.UTF8.GetString(content.Bytes)
        : outcome.IsNotThere ? "not there"
        : outcome.IsTooLarge ? "too large"
        : outcome.Failure.ToString();

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Registry.DisposeAsync();
        foreach (var other in _others)
        {
            await other.DisposeAsync();
        }
    }
}
