using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using PolicyService.Core.Attestors;
using PolicyService.Evidence.Http;
using PolicyService.Evidence.Keys;
using PolicyService.Tests.Kms;

namespace PolicyService.Evidence.Tests.Keys;

/// <summary>Our client against a key service that does everything wrong, one thing at a time.</summary>
public sealed class CloudKmsClientTests : IAsyncDisposable
{
    private const string Secret = "a-token-nobody-may-read";

    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(300);

    private readonly KmsBench _bench = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<KmsFault, KeyFailure> KeyFaults => new()
    {
        { KmsFault.BadRequest, KeyFailure.Refused },
        { KmsFault.Unauthorized, KeyFailure.Unauthenticated },
        { KmsFault.Forbidden, KeyFailure.PermissionDenied },
        { KmsFault.NotFound, KeyFailure.NotFound },
        { KmsFault.TooManyRequests, KeyFailure.RateLimited },
        { KmsFault.TooManyRequestsForLong, KeyFailure.RateLimited },
        { KmsFault.ServerError, KeyFailure.ServerError },
        { KmsFault.Unavailable, KeyFailure.ServerError },
        { KmsFault.Redirection, KeyFailure.Refused },
        { KmsFault.NoContent, KeyFailure.Refused },
        { KmsFault.Silent, KeyFailure.Timeout },
        { KmsFault.SilentBody, KeyFailure.Timeout },
        { KmsFault.Hangup, KeyFailure.Connection },
        { KmsFault.Truncated, KeyFailure.Malformed },
        { KmsFault.HalfJson, KeyFailure.Malformed },
        { KmsFault.NoHttp, KeyFailure.Malformed },
        { KmsFault.NoJson, KeyFailure.Malformed },
        { KmsFault.JsonList, KeyFailure.Malformed },
        { KmsFault.NoUtf8, KeyFailure.Malformed },
        { KmsFault.HalfPair, KeyFailure.Malformed },
        { KmsFault.DuplicateField, KeyFailure.Malformed },
        { KmsFault.DeepJson, KeyFailure.Malformed },
        { KmsFault.NoPem, KeyFailure.Malformed },
        { KmsFault.PemIsNumber, KeyFailure.Malformed },
        { KmsFault.NoName, KeyFailure.Malformed },
        { KmsFault.Oversized, KeyFailure.TooLarge },
        { KmsFault.Endless, KeyFailure.TooLarge },
        { KmsFault.HugeHeaders, KeyFailure.TooLarge },
        { KmsFault.WrongChecksum, KeyFailure.Checksum },
        { KmsFault.NoChecksum, KeyFailure.Checksum },
        { KmsFault.ChecksumNoNumber, KeyFailure.Checksum },
        { KmsFault.OtherName, KeyFailure.OtherName },
        { KmsFault.UnknownAlgorithm, KeyFailure.UnsupportedAlgorithm },
        { KmsFault.EncryptionAlgorithm, KeyFailure.UnsupportedAlgorithm },
        { KmsFault.Certificate, KeyFailure.UnusableKey },
        { KmsFault.PrivateKey, KeyFailure.UnusableKey },
        { KmsFault.WeakKey, KeyFailure.UnusableKey },
        { KmsFault.AlgorithmOfAnotherCurve, KeyFailure.UnusableKey },
    };

    public static TheoryData<KmsFault, KeyFailure> SignFaults => new()
    {
        { KmsFault.Forbidden, KeyFailure.PermissionDenied },
        { KmsFault.Silent, KeyFailure.Timeout },
        { KmsFault.HalfJson, KeyFailure.Malformed },
        { KmsFault.HalfPair, KeyFailure.Malformed },
        { KmsFault.NoSignature, KeyFailure.Malformed },
        { KmsFault.DigestNotVerified, KeyFailure.Checksum },
        { KmsFault.WrongSignatureChecksum, KeyFailure.Checksum },
        { KmsFault.OtherName, KeyFailure.OtherName },
    };

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    [Theory]
    [InlineData("EC_SIGN_P256_SHA256", SignatureAlgorithm.EcdsaP256Sha256)]
    [InlineData("EC_SIGN_P384_SHA384", SignatureAlgorithm.EcdsaP384Sha384)]
    [InlineData("RSA_SIGN_PKCS1_2048_SHA256", SignatureAlgorithm.RsaPkcs1With2048Sha256)]
    [InlineData("RSA_SIGN_PSS_2048_SHA256", SignatureAlgorithm.RsaPss2048Sha256)]
    [InlineData("RSA_SIGN_PSS_3072_SHA256", SignatureAlgorithm.RsaPss3072Sha256)]
    public async Task Key_is_read_and_what_it_signs_verifies(string kms, SignatureAlgorithm algorithm)
    {
        var key = _bench.StandIn.Add(KmsBench.Resource, kms);
        var data = "data"u8.ToArray();

        var read = await _bench.Client.GetPublicKeyAsync(KmsBench.Name, Cancellation);
        var signature = await _bench.Client.SignAsync(KmsBench.Name, CryptographicOperations.HashData(key.Hash == "sha384" ? HashAlgorithmName.SHA384 : HashAlgorithmName.SHA256, data), Cancellation);

        Assert.Equal((algorithm, key.Pin), (read.Algorithm, read.Fingerprint.ToString()));
        Assert.True(read.Verify(data, signature));
    }

    [Theory, MemberData(nameof(KeyFaults))]
    [Trait("attack", "83")]
    public async Task Fault_of_a_key_is_a_class_of_its_own(KmsFault fault, KeyFailure failure)
    {
        using var lease = _bench.Connect(attempt: failure is KeyFailure.Timeout ? Soon : null);
        _bench.StandIn.Fault = fault;

        Assert.Equal(failure, await FailureAsync(lease.Client.GetPublicKeyAsync(KmsBench.Name, Cancellation)));

        _bench.StandIn.Fault = KmsFault.None;
        Assert.NotNull(await _bench.Client.GetPublicKeyAsync(KmsBench.Name, Cancellation));
    }

    [Theory, MemberData(nameof(SignFaults))]
    public async Task Fault_of_a_signature_is_a_class_of_its_own(KmsFault fault, KeyFailure failure)
    {
        using var lease = _bench.Connect(attempt: failure is KeyFailure.Timeout ? Soon : null);
        _bench.StandIn.Fault = fault;

        Assert.Equal(failure, await FailureAsync(lease.Client.SignAsync(KmsBench.Name, new byte[32], Cancellation)));
    }

    [Theory]
    [InlineData("ENABLED", KeyState.Enabled)]
    [InlineData("DISABLED", KeyState.Disabled)]
    [InlineData("DESTROYED", KeyState.Destroyed)]
    [InlineData("DESTROY_SCHEDULED", KeyState.Destroyed)]
    [InlineData("PENDING_GENERATION", KeyState.Unknown)]
    [InlineData("CRYPTO_KEY_VERSION_STATE_UNSPECIFIED", KeyState.Unknown)]
    public async Task State_is_read(string kms, KeyState state)
    {
        _bench.Key.State = kms;

        Assert.Equal(state, await _bench.Client.GetStateAsync(KmsBench.Name, Cancellation));

        _bench.StandIn.Fault = KmsFault.OtherName;
        Assert.Equal(KeyFailure.OtherName, await FailureAsync(_bench.Client.GetStateAsync(KmsBench.Name, Cancellation)));
    }

    [Fact]
    public async Task Refused_connection_is_a_class_of_its_own()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        using var lease = KmsLease.To($"http://127.0.0.1:{port}");

        Assert.Equal(KeyFailure.Connection, await FailureAsync(lease.Client.GetPublicKeyAsync(KmsBench.Name, Cancellation)));
    }

    [Fact]
    public async Task Certificate_that_nobody_trusts_is_a_class_of_its_own_and_gets_no_token()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var made = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
        using var certificate = X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
        await using var standIn = new KmsStandIn(certificate);
        using var lease = KmsLease.To(standIn.Url, _ => Task.FromResult(Secret));

        Assert.Equal(KeyFailure.Tls, await FailureAsync(lease.Client.GetPublicKeyAsync(KmsBench.Name, Cancellation)));
        Assert.Empty(standIn.Calls);
    }

    [Fact]
    public async Task Missing_credentials_are_a_class_of_their_own_and_nothing_is_sent()
    {
        using var lease = _bench.Connect(_ => throw new CredentialsException(CallFailure.NoCredentials));

        Assert.Equal(KeyFailure.NoCredentials, await FailureAsync(lease.Client.GetPublicKeyAsync(KmsBench.Name, Cancellation)));
        Assert.Empty(_bench.StandIn.Calls);
    }

    [Fact]
    public async Task Credentials_that_are_waited_for_too_long_are_missing()
    {
        using var lease = _bench.Connect(async cancellation =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
            return Secret;
        }, Soon);

        Assert.Equal(KeyFailure.NoCredentials, await FailureAsync(lease.Client.GetPublicKeyAsync(KmsBench.Name, Cancellation)));
    }

    [Fact]
    public async Task Token_goes_out_as_a_bearer_and_into_no_message()
    {
        using var lease = _bench.Connect(_ => Task.FromResult(Secret));
        await lease.Client.GetPublicKeyAsync(KmsBench.Name, Cancellation);
        Assert.Equal($"Bearer {Secret}", Assert.Single(_bench.StandIn.Calls).Headers["authorization"]);

        _bench.StandIn.Fault = KmsFault.Forbidden;
        var exception = await Assert.ThrowsAsync<KeyServiceException>(() => lease.Client.GetPublicKeyAsync(KmsBench.Name, Cancellation));
        Assert.DoesNotContain(Secret, exception.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Plain_http_gets_no_credentials_even_where_there_are_some()
    {
        Assert.True(KmsEndpoint.TryParse(_bench.StandIn.Url, out var endpoint));
        using var client = new CloudKmsClient(endpoint, TimeSpan.FromMinutes(2), _bench.Metrics, TimeProvider.System);

        await client.GetPublicKeyAsync(KmsBench.Name, Cancellation);

        Assert.DoesNotContain("authorization", Assert.Single(_bench.StandIn.Calls).Headers.Keys);
    }

    [Fact]
    public async Task Redirection_is_not_followed()
    {
        _bench.StandIn.Fault = KmsFault.Redirection;

        await FailureAsync(_bench.Client.GetPublicKeyAsync(KmsBench.Name, Cancellation));

        Assert.Single(_bench.StandIn.Calls);
    }

    [Fact]
    public async Task Digest_goes_out_with_its_checksum()
    {
        var digest = SHA256.HashData("data"u8);
        await _bench.Client.SignAsync(KmsBench.Name, digest, Cancellation);

        var body = JsonSerializer.Deserialize<JsonElement>(Encoding.UTF8.GetString(Assert.Single(_bench.StandIn.Calls).Body));
        Assert.Equal(digest, body.GetProperty("digest").GetProperty("sha256").GetBytesFromBase64());
        Assert.Equal($"{KmsStandInReplies.Crc32C(digest)}", body.GetProperty("digestCrc32c").GetString());
    }

    [Fact]
    public async Task Caller_who_goes_away_is_no_failure_of_the_service()
    {
        _bench.StandIn.Fault = KmsFault.Silent;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var asked = _bench.Client.GetPublicKeyAsync(KmsBench.Name, ending.Token);
        await ending.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
    }

    private static async Task<KeyFailure> FailureAsync(Task asked) => (await Assert.ThrowsAsync<KeyServiceException>(() => asked)).Failure;
}
