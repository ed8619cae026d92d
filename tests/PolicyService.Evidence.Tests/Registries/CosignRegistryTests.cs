using System.Text;
using System.Text.Json;
using PolicyService.Core.Attestors;
using PolicyService.Evidence.Registries;
using PolicyService.Tests.Registries;

namespace PolicyService.Evidence.Tests.Registries;

/// <summary>Images of a real registry, with what cosign puts beside them (SEMANTICS section 1; SIGSTORE, "Key-signed images").</summary>
public sealed class CosignRegistryTests(DockerRegistry registry) : IClassFixture<DockerRegistry>, IDisposable
{
    private const string P256 = "ECDSA_P256_SHA256";

    private readonly RegistryAccess _access = new(new RegistrySettings { Attempt = RegistryBench.Patient }, new RegistryMetrics(), TimeProvider.System);
    private readonly CosignKey _key = CosignKey.Of(P256);
    private readonly string _repository = registry.NewRepository();
    private readonly string _image = CosignBench.NewImage();

    public static TheoryData<string> Algorithms =>
        ["ECDSA_P256_SHA256", "ECDSA_P384_SHA384", "ECDSA_P521_SHA512", "ED25519", "RSA_SIGN_PKCS1_2048_SHA256", "RSA_SIGN_PKCS1_3072_SHA256", "RSA_SIGN_PKCS1_4096_SHA256"];

    /// <summary>A fixture of containers/image, a key of theirs, and what comes of its manifest.</summary>
    public static TheoryData<string, string, string> Fixtures => new()
    {
        { "valid", "cosign.pub", "Allow: Attested" },
        { "valid", "cosign2.pub", "Deny: DeniedByAttestor SIGNATURE_INVALID" },
        { "valid-2", "cosign.pub", "Allow: Attested" },
        { "valid-2", "cosign2.pub", "Deny: DeniedByAttestor SIGNATURE_INVALID" },
        { "valid-with-tag", "cosign.pub", "Allow: Attested" },
        { "mixed", "cosign.pub", "Allow: Attested" },
        { "key-rekor-valid", "cosign2.pub", "Allow: Attested" },
        { "key-rekor-valid", "cosign.pub", "Deny: DeniedByAttestor SIGNATURE_INVALID" },
        { "modified-manifest", "cosign.pub", "Deny: DeniedByAttestor DIGEST_MISMATCH" },
        { "manifest-digest-error", "cosign.pub", "Deny: DeniedByAttestor DIGEST_MISMATCH" },
        { "no-manifest", "cosign.pub", "Deny: DeniedByAttestor DIGEST_MISMATCH" },
        { "other-attachment", "cosign.pub", "Deny: DeniedByAttestor NO_ATTESTATION" },
        { "fulcio-rekor-valid", "cosign.pub", "Deny: DeniedByAttestor SIGNATURE_INVALID" },
        { "pki-valid", "cosign.pub", "Deny: DeniedByAttestor SIGNATURE_INVALID" },
    };

    public void Dispose() => _access.Dispose();

    [Theory, MemberData(nameof(Algorithms))]
    public async Task Signature_of_each_kind_of_key_counts(string algorithm)
    {
        var key = CosignKey.Of(algorithm);
        var payload = CosignWriter.Payload($"{registry.Host}/{_repository}", _image);
        await registry.SignAsync(_repository, _image, (payload, key.Sign(payload)));
        Assert.Equal("Allow: Attested", await AnswerAsync(_image, CosignBench.Read(key, algorithm)));

        var other = CosignBench.NewImage();
        await registry.AttachAsync(_repository, other, CosignWriter.Bundle(key, CosignWriter.Statement(other)));
        Assert.Equal("Allow: Attested", await AnswerAsync(other, CosignBench.Read(key, algorithm)));
        Assert.Equal("Deny: DeniedByAttestor SIGNATURE_INVALID", await AnswerAsync(other, CosignBench.Read(CosignKey.Of(algorithm), algorithm)));
    }

    [Theory, MemberData(nameof(Fixtures))]
    public async Task Image_that_others_signed_is_judged_as_its_name_says(string name, string keyFile, string answer)
    {
        var fixtures = Path.Combine(CosignBench.TestData, "containers-image", "signature", "fixtures");
        var folder = Path.Combine(fixtures, $"dir-img-cosign-{name}");
        var manifest = Path.Combine(folder, "manifest.json");
        var image = File.Exists(manifest) ? DockerRegistry.DigestOf(File.ReadAllBytes(manifest)) : _image;
        await registry.LayersAsync(_repository, image, [.. Directory.GetFiles(folder, "signature-*").Order(StringComparer.Ordinal).Select(Layer)]);

        Assert.Equal(answer, await AnswerAsync(image, CosignBench.Read(File.ReadAllText(Path.Combine(fixtures, keyFile)).Trim() + "\n", P256)));
    }

    [Fact]
    public async Task Image_without_signatures_is_denied_and_no_error() => Assert.Equal("Deny: DeniedByAttestor NO_ATTESTATION", await AnswerAsync(await PushedImageAsync()));

    [Fact]
    public async Task Two_signers_beside_one_image_both_count()
    {
        var other = CosignKey.Of("ED25519");
        var payload = CosignWriter.Payload("r.example/a", _image);
        await registry.SignAsync(_repository, _image, (payload, _key.Sign(payload)), (payload, other.Sign(payload)));

        Assert.Equal("Allow: Attested", await AnswerAsync(_image, CosignBench.Read(_key)));
        Assert.Equal("Allow: Attested", await AnswerAsync(_image, CosignBench.Read(other, "ED25519")));
    }

    [Fact, Trait("attack", "57")]
    public async Task Signature_of_another_image_does_not_count()
    {
        var payload = CosignWriter.Payload("r.example/a", CosignBench.NewImage());
        await registry.SignAsync(_repository, _image, (payload, _key.Sign(payload)));
        Assert.Equal("Deny: DeniedByAttestor DIGEST_MISMATCH", await AnswerAsync(_image, CosignBench.Read(_key)));

        var other = CosignBench.NewImage();
        await registry.AttachAsync(_repository, other, CosignWriter.Bundle(_key, CosignWriter.Statement(_image)));
        Assert.Equal("Deny: DeniedByAttestor DIGEST_MISMATCH", await AnswerAsync(other, CosignBench.Read(_key)));
    }

    [Theory, Trait("attack", "60")]
    [InlineData("https://slsa.dev/provenance/v1")]
    [InlineData("https://spdx.dev/Document")]
    [InlineData("https://cosign.sigstore.dev/attestation/v1")]
    public async Task Other_statement_by_the_same_key_does_not_count(string predicateType)
    {
        await registry.AttachAsync(_repository, _image, CosignWriter.Bundle(_key, CosignWriter.Statement(_image, predicateType)));
        var (_, decision) = await Bench(_image, CosignBench.Read(_key)).AskAsync();

        var reason = Assert.Single(decision.Reasons);
        Assert.Equal("PAYLOAD_INVALID", $"{reason.Detail}");
        Assert.Contains(predicateType, reason.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("application/vnd.oci.empty.v1+json")]
    [InlineData("application/x")]
    public async Task Artifact_type_decides_nothing(string artifactType)
    {
        await registry.AttachAsync(_repository, _image, CosignWriter.Bundle(_key, CosignWriter.Statement(_image, predicate: "")), artifactType);
        Assert.Equal("Allow: Attested", await AnswerAsync(_image, CosignBench.Read(_key)));
    }

    [Fact]
    public async Task Blob_that_a_manifest_names_and_nobody_has_is_an_error()
    {
        var payload = CosignWriter.Payload("r.example/a", _image);
        await registry.SignAsync(_repository, _image, (payload, _key.Sign(payload)));
        await registry.DeleteBlobAsync(_repository, DockerRegistry.DigestOf(payload));

        Assert.Equal("Deny: EvidenceUnavailable REGISTRY:MISSING_CONTENT", await AnswerAsync(_image, CosignBench.Read(_key)));

        // The other signature is there, and satisfies.
        await registry.AttachAsync(_repository, _image, CosignWriter.Bundle(_key, CosignWriter.Statement(_image)));
        Assert.Equal("Allow: Attested", await AnswerAsync(_image, CosignBench.Read(_key)));
    }

    [Fact]
    public async Task Bound_repository_needs_a_signature_that_names_it()
    {
        await registry.AttachAsync(_repository, _image, CosignWriter.Bundle(_key, CosignWriter.Statement(_image)));
        var bench = Bench(_image, CosignBench.Read(_key));
        bench.Options = bench.Options.Replace("bindRepository: false", "bindRepository: true", StringComparison.Ordinal);
        var (_, decision) = await bench.AskAsync();
        Assert.Equal("REFERENCE_MISMATCH", $"{Assert.Single(decision.Reasons).Detail}");
        Assert.Contains("names no repository", decision.Reasons[0].Text, StringComparison.Ordinal);

        var named = CosignBench.NewImage();
        await registry.AttachAsync(_repository, named, CosignWriter.Bundle(_key, CosignWriter.Statement(named, name: $"{registry.Host}/{_repository}")));
        bench.Image = $"{registry.Host}/{_repository}@{named}";
        Assert.Equal("Allow: Attested", await bench.AnswerAsync());
    }

    private async Task<string> PushedImageAsync()
    {
        await registry.PushBlobAsync(_repository, "{}"u8.ToArray());
        return await registry.PushManifestAsync(_repository, "v1", CosignWriter.Manifest([]), CosignWriter.ManifestType);
    }

    private Evaluation Bench(string image, params PublicKey[] keys) => CosignBench.Of(registry, _access, _repository, image, keys);

    private Task<string> AnswerAsync(string image, params PublicKey[] keys) => Bench(image, keys).AnswerAsync();

    /// <summary>Of a signature as containers/image keeps it in a directory.</summary>
    private static (byte[] Content, string Layer) Layer(string file)
    {
        var bytes = File.ReadAllBytes(file);
        Assert.Equal("\0sigstore-json\n", Encoding.ASCII.GetString(bytes, 0, 15));
        using var document = JsonDocument.Parse(bytes.AsMemory(15));
        var content = document.RootElement.GetProperty("payload").GetBytesFromBase64();
        return (content, CosignWriter.Layer(content, document.RootElement.GetProperty("mimeType").GetString()!, document.RootElement.GetProperty("annotations").GetRawText()[1..^1]));
    }
}
