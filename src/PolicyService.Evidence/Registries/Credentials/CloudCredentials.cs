using Amazon.Runtime.Credentials;
using Azure.Core;
using Azure.Identity;
using PolicyService.Evidence.Http;

namespace PolicyService.Evidence.Registries.Credentials;

/// <summary>
/// The service's own identity at each cloud, as that cloud's library finds it. What a library says when it fails may quote secrets, so it is
/// dropped.
/// </summary>
/// <param name="Google">An access token of Google.</param>
/// <param name="Aws">An access key of AWS.</param>
/// <param name="Azure">A Microsoft Entra token.</param>
/// <param name="Reach">Where an address is reached; only tests change it.</param>
internal sealed record CloudCredentials(AccessTokenSource Google, AwsKeySource Aws, AzureTokenSource Azure, Func<Uri, Uri> Reach)
{
    /// <summary>Nothing is looked for before it is wanted.</summary>
    public static CloudCredentials OfThisMachine()
    {
        var google = new GoogleCredentials(new Uri("https://artifactregistry.googleapis.com/"), GoogleCredentials.CloudPlatformScope);
        var aws = new DefaultAWSCredentialsIdentityResolver();
        var azure = new Lazy<TokenCredential>(OfAzure);
        return new CloudCredentials(
            google.GetTokenAsync,
            cancellation => GetKeyAsync(aws, cancellation),
            (scope, cancellation) => GetTokenAsync(azure, scope, cancellation),
            address => address);
    }

    /// <summary>What a service has, and none of what a developer's desk has: no browser, no command-line tools.</summary>
    private static ChainedTokenCredential OfAzure() =>
        new(new EnvironmentCredential(), new WorkloadIdentityCredential(), new ManagedIdentityCredential(
            Environment.GetEnvironmentVariable("AZURE_CLIENT_ID") is { Length: > 0 } client ? ManagedIdentityId.FromUserAssignedClientId(client) : ManagedIdentityId.SystemAssigned));

    private static async Task<AwsKey> GetKeyAsync(DefaultAWSCredentialsIdentityResolver resolver, CancellationToken cancellation)
    {
        try
        {
            // The library looks at the disk and asks the network without a word of cancellation.
            var key = await Task.Run(async () => await (await resolver.ResolveIdentityAsync(null, cancellation)).GetCredentialsAsync(), cancellation).WaitAsync(cancellation);
            return new AwsKey(key.AccessKey, key.SecretKey, key.Token is { Length: > 0 } token ? token : null);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            throw new CredentialsException(IsOutage(exception) ? CallFailure.CredentialsUnreachable : CallFailure.NoCredentials);
        }
    }

    private static async Task<string> GetTokenAsync(Lazy<TokenCredential> credential, string scope, CancellationToken cancellation)
    {
        try
        {
            return (await credential.Value.GetTokenAsync(new TokenRequestContext([scope]), cancellation).AsTask().WaitAsync(cancellation)).Token;
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            throw new CredentialsException(IsOutage(exception) ? CallFailure.CredentialsUnreachable : CallFailure.NoCredentials);
        }
    }

    /// <summary>Somebody was to be asked and did not answer; a refusal is an answer.</summary>
    private static bool IsOutage(Exception exception) => exception switch
    {
        Azure.RequestFailedException { Status: 0 or 429 or >= 500 } or HttpRequestException or IOException { InnerException: System.Net.Sockets.SocketException } => true,
        Microsoft.Identity.Client.MsalServiceException { StatusCode: 0 or 429 or >= 500 } => true,
        Amazon.Runtime.AmazonServiceException refused => (int)refused.StatusCode is 0 or 429 or >= 500,
        { InnerException: { } inner } => IsOutage(inner),
        _ => false,
    };
}
