using Google.Apis.Auth.OAuth2;
using PolicyService.Core.Attestors;

namespace PolicyService.Evidence.Keys;

/// <summary>Gives a bearer token for the key service.</summary>
internal delegate Task<string> AccessTokenSource(CancellationToken cancellation);

/// <summary>
/// Application Default Credentials: the file <c>GOOGLE_APPLICATION_CREDENTIALS</c> names, those of <c>gcloud</c>, or the machine's own.
/// They are looked for at the first call and kept once found; the library renews tokens.
/// </summary>
internal sealed class GoogleCredentials(Uri audience)
{
    private const string Scope = "https://www.googleapis.com/auth/cloudkms";
    private ITokenAccess? _found;

    /// <exception cref="KeyServiceException">NO_CREDENTIALS, whatever the reason: what the library says may quote the credentials' file.</exception>
    public async Task<string> GetTokenAsync(CancellationToken cancellation)
    {
        try
        {
            _found ??= (await GoogleCredential.GetApplicationDefaultAsync(cancellation).WaitAsync(cancellation)).CreateScoped(Scope).UnderlyingCredential;
            return await _found.GetAccessTokenForRequestAsync(audience.AbsoluteUri, cancellation).WaitAsync(cancellation)
                ?? throw new KeyServiceException(KeyFailure.NoCredentials);
        }
        catch (Exception exception) when (exception is not (OperationCanceledException or KeyServiceException))
        {
            throw new KeyServiceException(KeyFailure.NoCredentials);
        }
    }
}
