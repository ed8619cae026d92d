using System.Text.Json;
using Google.Apis.Auth.OAuth2;
using Google.Apis.Auth.OAuth2.Responses;

namespace PolicyService.Evidence.Http;

/// <summary>Gives a bearer token for a service.</summary>
internal delegate Task<string> AccessTokenSource(CancellationToken cancellation);

/// <summary>
/// Application Default Credentials: the file <c>GOOGLE_APPLICATION_CREDENTIALS</c> names, those of <c>gcloud</c>, or the machine's own
/// (https://cloud.google.com/docs/authentication/application-default-credentials). They are looked for until they are found, and again
/// when their file changes: the library's own search remembers for the life of the process that there were none. It renews tokens.
/// </summary>
/// <param name="audience">The service the token is for.</param>
/// <param name="scope">What the token may be used for.</param>
/// <param name="file">Their file; null: that of the environment.</param>
internal sealed class GoogleCredentials(Uri audience, string scope, string? file = null)
{
    public const string KmsScope = "https://www.googleapis.com/auth/cloudkms";

    /// <summary>Container Analysis and the registries have no narrower one.</summary>
    public const string CloudPlatformScope = "https://www.googleapis.com/auth/cloud-platform";

    private const string FileVariable = "GOOGLE_APPLICATION_CREDENTIALS";

    private volatile Found? _found;

    /// <exception cref="CredentialsException">Whatever the reason: what the library says may quote the credentials' file.</exception>
    public async Task<string> GetTokenAsync(CancellationToken cancellation)
    {
        try
        {
            return await (await FindAsync(cancellation)).GetAccessTokenForRequestAsync(audience.AbsoluteUri, cancellation).WaitAsync(cancellation)
                ?? throw new CredentialsException(CallFailure.NoCredentials);
        }
        catch (Exception exception) when (exception is not (OperationCanceledException or CredentialsException))
        {
            // No file, and no machine that answers: nothing says that there ever were any.
            throw new CredentialsException(IsOutage(exception) && _found is { File: not null } ? CallFailure.CredentialsUnreachable : CallFailure.NoCredentials);
        }
    }

    private async Task<ITokenAccess> FindAsync(CancellationToken cancellation)
    {
        var place = file ?? (Environment.GetEnvironmentVariable(FileVariable) is { Length: > 0 } named ? named : File.Exists(OfGcloud) ? OfGcloud : null);
        var written = place is null ? default : File.GetLastWriteTimeUtc(place);
        if (_found is not { } found || found.File != place || found.Written != written)
        {
            var credential = place is null
                ? GoogleCredential.FromComputeCredential(new ComputeCredential())
                : await CredentialFactory.FromFileAsync(place, await TypeOfAsync(place, cancellation), cancellation);
            _found = found = new Found(place, written, credential.CreateScoped(scope).UnderlyingCredential);
        }

        return found.Credential;
    }

    /// <summary>The library wants to be told what it will find. Any kind will do: the operator chose the file.</summary>
    private static async Task<string> TypeOfAsync(string file, CancellationToken cancellation)
    {
        await using var stream = File.OpenRead(file);
        using var content = await JsonDocument.ParseAsync(stream, cancellationToken: cancellation);
        return content.RootElement.GetProperty("type").GetString()!;
    }

    private static string OfGcloud => Path.Combine(
        Environment.GetEnvironmentVariable("CLOUDSDK_CONFIG") is { Length: > 0 } configured
            ? configured
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".config", "gcloud"),
        "application_default_credentials.json");

    /// <param name="File">Where they stand; null: the machine's own.</param>
    /// <param name="Written">When the file was last written.</param>
    /// <param name="Credential">What gives tokens.</param>
    private sealed record Found(string? File, DateTime Written, ITokenAccess Credential);

    /// <summary>The token server was not reached or failed itself; a refusal is an answer.</summary>
    private static bool IsOutage(Exception exception) => exception switch
    {
        TokenResponseException refused => refused.StatusCode is >= System.Net.HttpStatusCode.InternalServerError,
        HttpRequestException or IOException { InnerException: System.Net.Sockets.SocketException } => true,
        _ => false,
    };
}
