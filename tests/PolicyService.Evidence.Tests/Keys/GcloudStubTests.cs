using System.Security.Cryptography;
using PolicyService.Core.Attestors;
using PolicyService.Evidence.Keys;

namespace PolicyService.Evidence.Tests.Keys;

/// <summary>Our client against a key service written from gcloud's side of the wire.</summary>
public sealed class GcloudStubTests : IDisposable
{
    private static readonly Dictionary<string, string> Keys = new()
    {
        ["ec-p256"] = "EC_SIGN_P256_SHA256",
        ["ec-p384"] = "EC_SIGN_P384_SHA384",
        ["rsa-2048"] = "RSA_SIGN_PKCS1_2048_SHA256",
        ["rsa-4096"] = "RSA_SIGN_PKCS1_4096_SHA512",
        ["rsa-pss-2048"] = "RSA_SIGN_PSS_2048_SHA256",
    };

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("policyservice-stub-");

    public static TheoryData<string> With => [GcloudStub.Script is null ? GcloudStub.NotFound : GcloudStub.Found];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory, MemberData(nameof(With))]
    public async Task Keys_are_read_and_what_they_sign_verifies_with(string stub)
    {
        await using var service = await GcloudStub.StartAsync(_folder.FullName, Keys.ToDictionary(pair => ResourceOf(pair.Key), pair => pair.Value));
        using var lease = KmsLease.To(service.Url, _ => Task.FromResult("token"));
        foreach (var (id, algorithm) in Keys)
        {
            var name = KmsBench.NameOf(ResourceOf(id));
            var key = await lease.Client.GetPublicKeyAsync(name, Cancellation);
            Assert.True(SignatureAlgorithms.TryParse(algorithm, out var expected) && key.Algorithm == expected, stub);

            var data = RandomNumberGenerator.GetBytes(100);
            var hash = new HashAlgorithmName(algorithm[(algorithm.LastIndexOf('_') + 1)..]);
            var digest = CryptographicOperations.HashData(hash, data);
            var signature = await lease.Client.SignAsync(name, digest, Cancellation);
            Assert.True(key.Verify(data, signature), id);
            Assert.Equal(KeyState.Enabled, await lease.Client.GetStateAsync(name, Cancellation));
        }
    }

    [Theory, MemberData(nameof(With))]
    public async Task Key_that_is_not_there_is_not_found_with(string stub)
    {
        await using var service = await GcloudStub.StartAsync(_folder.FullName, new Dictionary<string, string>());
        using var lease = KmsLease.To(service.Url, _ => Task.FromResult("token"));

        var exception = await Assert.ThrowsAsync<KeyServiceException>(() => lease.Client.GetPublicKeyAsync(KmsBench.NameOf(ResourceOf("none")), Cancellation));

        Assert.True(exception.Failure is KeyFailure.NotFound, stub);
    }

    private static string ResourceOf(string id) => $"projects/acme/locations/eu/keyRings/r/cryptoKeys/{id}/cryptoKeyVersions/1";
}
