using System.CommandLine;
using PolicyService.Evidence.Caching;
using PolicyService.Evidence.Keys;

namespace PolicyService.Cli.Inputs;

/// <summary>The option <c>--kms-endpoint</c>, and what asks there.</summary>
internal static class KmsEndpoints
{
    public static Option<KmsEndpoint?> Option(string description) => new("--kms-endpoint")
    {
        HelpName = "URL",
        Description = description,
        CustomParser = result =>
        {
            if (!KmsEndpoint.TryParse(result.Tokens.Single().Value, out var endpoint))
            {
                result.AddError("--kms-endpoint: write https://<host>, or http:// with a loopback address");
            }

            return endpoint;
        },
    };

    /// <summary>Google's own, where the option was not given.</summary>
    public static KmsEndpoint Default { get; } =
        KmsEndpoint.TryParse(KmsEndpoint.Default, out var endpoint) ? endpoint : throw new InvalidOperationException(KmsEndpoint.Default);

    /// <summary>A person waits, and nobody else.</summary>
    public static readonly TimeSpan Attempt = TimeSpan.FromSeconds(15);

    /// <summary>Keys for the engine in this process; without an endpoint none are fetched.</summary>
    public static PublicKeyCache Keys(KmsEndpoint? endpoint, TimeProvider time)
    {
        var metrics = new KeyMetrics();
        IKeyManagement source = endpoint is null ? NoKeyManagement.Instance : new CloudKmsClient(endpoint, Attempt, metrics, time);
        return new PublicKeyCache(source, NoSharedCache.Instance, metrics, time, new KeyLifetimes { Fetch = 3 * Attempt });
    }
}
