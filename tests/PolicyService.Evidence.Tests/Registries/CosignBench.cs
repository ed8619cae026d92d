using PolicyService.Core.Attestors;
using PolicyService.Core.Images;
using PolicyService.Evidence.Caching;
using PolicyService.Evidence.Registries;
using PolicyService.Evidence.Remote;
using PolicyService.Tests.Registries;

namespace PolicyService.Evidence.Tests.Registries;

/// <summary>Decisions by what lies beside an image, in a real registry or in one that is made up.</summary>
internal static class CosignBench
{
    public static string TestData { get; } = Ancestors(AppContext.BaseDirectory).Select(folder => Path.Combine(folder, "tests", "testdata")).First(Directory.Exists);

    public static string NewImage() => DockerRegistry.DigestOf(Guid.NewGuid().ToByteArray());

    public static PublicKey Read(string pem, string algorithm)
    {
        Assert.True(SignatureAlgorithms.TryParse(algorithm, out var known));
        Assert.True(PublicKey.TryReadPem(pem, known, out var key, out var problem), problem);
        return key;
    }

    public static PublicKey Read(CosignKey key, string algorithm = "ECDSA_P256_SHA256") => Read(key.Pem, algorithm);

    /// <summary>One image of a real registry, judged for an attestor with these keys beside one of its own that signs nothing.</summary>
    public static Evaluation Of(DockerRegistry registry, RegistryAccess access, string repository, string image, params PublicKey[] keys) => new()
    {
        Further = keys,
        Image = $"{registry.Host}/{repository}@{image}",
        Options = $"registries: [{{host: '{registry.Host}', insecure: true}}]\nbindRepository: false",
        Remote = Answers(access.ListAsync),
    };

    /// <summary>The image of the other tests in a registry that is made up.</summary>
    public static Evaluation Of(FakeRegistry registry, params PublicKey[] keys) => new()
    {
        Further = keys,
        Image = $"{FakeRegistry.Repository}@{Attestations.Image}",
        Options = "registries: [{host: a.test}]\nbindRepository: false",
        Remote = Answers(async (question, isAgain, cancellation) =>
        {
            var list = await new CosignSignatures(registry.Reads).ListAsync(question.Repository, question.Digest, isAgain, cancellation);
            return new RemoteList([.. list.Signatures.Select(signature => signature.Item)], list.IsCut, list.Failure);
        }),
    };

    public static Digest Parse(string digest) => Digest.TryParse(digest, out var parsed) ? parsed : throw new ArgumentException(digest);

    private static RemoteAnswers Answers(Func<RegistryQuestion, bool, CancellationToken, Task<RemoteList>> list) => new(
        (question, isAgain, cancellation) => list((RegistryQuestion)question, isAgain, cancellation),
        new SharedEvidence(null, null, new CacheCounters(), TimeProvider.System),
        new RemoteMetrics(),
        TimeProvider.System);

    private static IEnumerable<string> Ancestors(string folder)
    {
        for (var at = new DirectoryInfo(folder); at is not null; at = at.Parent)
        {
            yield return at.FullName;
        }
    }
}
