using Google.Apis.Auth.OAuth2;
using Google.Apis.Auth.OAuth2.Responses;

namespace PolicyService.Evidence.Http;

/// <summary>Gives a bearer token for a service.</summary>
internal delegate Task<string> AccessTokenSource(CancellationToken cancellation);

/// <summary>
/// Application Default Credentials: the file <c>GOOGLE_APPLICATION_CREDENTIALS</c> names, those of <c>gcloud</c>, or the machine's own.
/// They are looked for at the first call and kept once found; the library renews tokens.
/// </summary>
/// <param name="audience">The service the token is for.</param>
/// <param name="scope">What the token may be used for.</param>
internal sealed class GoogleCredentials(Uri audience, string scope)
{
    public const string KmsScope = "https://www.googleapis.com/auth/cloudkms";

    /// <summary>Container Analysis has no narrower one.</summary>
    public const string ContainerAnalysisScope = "https://www.googleapis.com/auth/cloud-platform";

    private ITokenAccess? _found;

    /// <exception cref="CredentialsException">Whatever the reason: what the library says may quote the credentials' file.</exception>
    public async Task<string> GetTokenAsync(CancellationToken cancellation)
    {
        try
        {
            _found ??= (await GoogleCredential.GetApplicationDefaultAsync(cancellation).WaitAsync(cancellation)).CreateScoped(scope).UnderlyingCredential;
            return await _found.GetAccessTokenForRequestAsync(audience.AbsoluteUri, cancellation).WaitAsync(cancellation)
                ?? throw new CredentialsException(CallFailure.NoCredentials);
        }
        catch (Exception exception) when (exception is not (OperationCanceledException or CredentialsException))
        {
            throw new CredentialsException(IsOutage(exception) ? CallFailure.CredentialsUnreachable : CallFailure.NoCredentials);
        }
    }

    /// <summary>The token server was not reached or failed itself; a refusal is an answer.</summary>
    private static bool IsOutage(Exception exception) => exception switch
    {
        TokenResponseException refused => refused.StatusCode is >= System.Net.HttpStatusCode.InternalServerError,
        HttpRequestException or IOException { InnerException: System.Net.Sockets.SocketException } => true,
        _ => false,
    };
}
