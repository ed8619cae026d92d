using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Tests.Rest;

/// <summary>Attestors, their keys and ids, and the validation of attestations.</summary>
public sealed class AttestorRestTests(RestServer rest) : IClassFixture<RestServer>
{
    private const string Image = Ask.Attested;

    private readonly string _project = RestServer.NewProject();

    private string One => $"/v1/projects/{_project}/attestors/a";

    [Fact]
    public async Task Key_without_id_gets_its_RFC_6920_id_and_a_given_id_is_kept()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await CreateAsync(Pkix(key), Pkix(other, "//keys.example.com/k2"));

        Assert.Equal([IdOf(key), "//keys.example.com/k2"], await KeyIdsAsync());
    }

    [Fact]
    public async Task PGP_key_has_its_fingerprint_as_id_whatever_was_sent()
    {
        var armored = await File.ReadAllTextAsync(Path.Combine(CaseFolder.Root, "keys", "pgp-build.public.asc"), TestContext.Current.CancellationToken);
        await CreateAsync($$"""{"id": "mine", "asciiArmoredPgpPublicKey": {{JsonSerializer.Serialize(armored)}}}""");

        var id = Assert.Single(await KeyIdsAsync());
        Assert.Matches("^[0-9A-F]{40}$", id);
    }

    [Fact, Trait("attack", "47")]
    public async Task Repeated_key_is_refused_not_merged()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        foreach (var keys in new[] { $"{Pkix(key)}, {Pkix(key)}", $"{Pkix(key)}, {Pkix(other, IdOf(key))}" })
        {
            var reply = await rest.SendAsync("POST", $"/v1/projects/{_project}/attestors?attestorId=a", Attestor(keys));

            Assert.Equal((HttpStatusCode.BadRequest, "INVALID_ARGUMENT"), (reply.Code, reply.Status));
            Assert.Equal(["userOwnedGrafeasNote.publicKeys"], reply.Fields);
        }

        Assert.Equal(HttpStatusCode.NotFound, (await rest.GetAsync(One)).Code);
    }

    [Theory]
    [InlineData("""{"pkixPublicKey": {"publicKeyPem": "nonsense", "signatureAlgorithm": "ECDSA_P256_SHA256"}}""", "[0]")]
    [InlineData("""{"pkixPublicKey": {"publicKeyPem": "PEM", "signatureAlgorithm": "ECDSA_P384_SHA384"}}""", "[0]")]
    [InlineData("""{"pkixPublicKey": {"publicKeyPem": "PEM", "signatureAlgorithm": "RSA_PSS_2048_SHA256"}}""", "[0]")]
    [InlineData("""{"pkixPublicKey": {"publicKeyPem": "PEM", "signatureAlgorithm": "SHA256"}}""", "[0].pkixPublicKey.signatureAlgorithm")]
    [InlineData("""{"pkixPublicKey": {"publicKeyPem": "PEM"}}""", "[0]")]
    [InlineData("""{"id": "two words", "pkixPublicKey": {"publicKeyPem": "PEM", "signatureAlgorithm": "ECDSA_P256_SHA256"}}""", "[0].id")]
    [InlineData("""{"asciiArmoredPgpPublicKey": "nonsense"}""", "[0]")]
    [InlineData("{}", "[0]")]
    [InlineData("""{"id": "//cloudkms.googleapis.com/v1/projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1"}""", "[0]")]
    public async Task Key_that_cannot_be_used_is_refused(string key, string field)
    {
        using var real = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        var reply = await rest.SendAsync("POST", $"/v1/projects/{_project}/attestors?attestorId=a", Attestor(key.Replace("\"PEM\"", JsonSerializer.Serialize(real.ExportSubjectPublicKeyInfoPem()), StringComparison.Ordinal)));

        Assert.Equal(HttpStatusCode.BadRequest, reply.Code);
        Assert.Equal([$"userOwnedGrafeasNote.publicKeys{field}"], reply.Fields);
        Assert.Equal(HttpStatusCode.NotFound, (await rest.GetAsync(One)).Code);
    }

    [Fact]
    public async Task Private_key_is_refused_and_never_repeated()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var secret = key.ExportPkcs8PrivateKeyPem();

        var reply = await rest.SendAsync(
            "POST", $"/v1/projects/{_project}/attestors?attestorId=a", Attestor($$$"""{"pkixPublicKey": {"publicKeyPem": {{{JsonSerializer.Serialize(secret)}}}, "signatureAlgorithm": "ECDSA_P256_SHA256"}}"""));

        Assert.Equal(HttpStatusCode.BadRequest, reply.Code);
        var line = secret.Split('\n')[1];
        Assert.DoesNotContain(line, reply.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(rest.Server.Log.Lines, text => text.Contains(line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task KMS_key_without_PEM_is_taken_where_the_options_pin_it()
    {
        const string Kms = "//cloudkms.googleapis.com/v1/projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1";
        await rest.Store.PutAsync(
            DocumentKey.Of(StoredKind.Options, $"projects/{_project}/options"), $$$"""{"pinnedKeys": {"{{{Kms}}}": "{{{RouteTable.Digest}}}"}}""", "", "test", TestContext.Current.CancellationToken);

        await CreateAsync($$"""{"id": "{{Kms}}"}""");

        Assert.Equal([Kms], await KeyIdsAsync());
    }

    [Fact]
    public async Task Algorithm_is_given_back_as_it_was_written()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await CreateAsync(Pkix(key).Replace("ECDSA_P256", "EC_SIGN_P256", StringComparison.Ordinal));

        Assert.Contains("\"EC_SIGN_P256_SHA256\"", (await rest.GetAsync(One)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Versions_differ_in_the_name_of_the_note_alone()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await CreateAsync(Pkix(key));
        var v1 = await rest.DoAsync("GET", One);
        foreach (var version in new[] { "v1beta1", "v1alpha2" })
        {
            var shown = await rest.DoAsync("GET", One.Replace("/v1/", $"/{version}/", StringComparison.Ordinal));
            Assert.Equal(v1.Body.GetProperty("userOwnedGrafeasNote").GetRawText(), shown.Body.GetProperty("userOwnedDrydockNote").GetRawText());
            Assert.False(shown.Body.TryGetProperty("userOwnedGrafeasNote", out _));

            await rest.DoAsync("PUT", One.Replace("/v1/", $"/{version}/", StringComparison.Ordinal), shown.Text);
            v1 = await rest.DoAsync("GET", One);
            var wrong = await rest.SendAsync("PUT", One.Replace("/v1/", $"/{version}/", StringComparison.Ordinal), v1.Text);
            Assert.Equal((HttpStatusCode.BadRequest, "userOwnedGrafeasNote"), (wrong.Code, Assert.Single(wrong.Fields)));
        }
    }

    [Fact, Trait("attack", "95")]
    public async Task Update_takes_the_current_etag_only_and_never_another_note()
    {
        await CreateAsync();
        var first = await rest.GetAsync(One);
        await rest.DoAsync("PUT", One, first.Text);

        var stale = await rest.SendAsync("PUT", One, first.Text);
        var moved = await rest.SendAsync("PUT", One, Attestor("").Replace("/notes/n", "/notes/other", StringComparison.Ordinal));

        Assert.Equal((HttpStatusCode.Conflict, "ABORTED"), (stale.Code, stale.Status));
        Assert.Equal((HttpStatusCode.BadRequest, "INVALID_ARGUMENT"), (moved.Code, moved.Status));
        Assert.Equal(HttpStatusCode.NotFound, (await rest.SendAsync("PUT", $"/v1/projects/{_project}/attestors/ghost", Attestor(""))).Code);
    }

    [Fact]
    public async Task Create_twice_is_a_conflict_and_delete_twice_is_NOT_FOUND()
    {
        await CreateAsync();

        var again = await rest.SendAsync("POST", $"/v1/projects/{_project}/attestors?attestorId=a", Attestor(""));
        Assert.Equal((HttpStatusCode.Conflict, "ALREADY_EXISTS"), (again.Code, again.Status));
        Assert.Equal("{}", (await rest.DoAsync("DELETE", One)).Text);
        Assert.Equal(HttpStatusCode.NotFound, (await rest.SendAsync("DELETE", One)).Code);
        Assert.Equal(HttpStatusCode.NotFound, (await rest.GetAsync(One)).Code);
    }

    [Fact]
    public async Task Validation_is_that_of_a_decision()
    {
        using var signer = new Signer("build", _project);
        using var stranger = new Signer("build", _project);
        await rest.AttestorAsync(signer);
        var good = Attestation(signer, Image);
        Assert.Equal("VERIFIED", await ValidateAsync(signer, good, Image));
        Assert.Equal("VERIFIED", await ValidateAsync(signer, good, $"https://{Image}"));

        var bad = new (string Body, string Image, string Why)[]
        {
            (good, Ask.Unattested, "DIGEST_MISMATCH"),
            (Attestation(stranger, Image), Image, "KEY_UNKNOWN"),
            (Attestation(stranger, Image).Replace(stranger.KeyId, signer.KeyId, StringComparison.Ordinal), Image, "SIGNATURE_INVALID"),
            ("""{"serializedPayload": "e30="}""", Image, "NO_ATTESTATION"),
        };
        foreach (var (body, image, why) in bad)
        {
            Assert.StartsWith(why, await ValidateAsync(signer, body, image), StringComparison.Ordinal);
        }
    }

    [Theory]
    [Trait("attack", "46"), Trait("attack", "48"), Trait("attack", "55"), Trait("attack", "56"), Trait("attack", "57"), Trait("attack", "59")]
    [InlineData("KEY_UNKNOWN", "", "", true)]
    [InlineData("PAYLOAD_INVALID", "\"type\": \"Google cloud binauthz container signature\"", "\"type\": \"Google cloud binauthz container signature\", \"type\": \"x\"", false)]
    [InlineData("PAYLOAD_INVALID", "\"type\"", "\"Type\"", false)]
    [InlineData("PAYLOAD_INVALID", "Google cloud binauthz container signature", "cosign container image signature", false)]
    [InlineData("PAYLOAD_INVALID", "{", "\uFEFF{", false)]
    [InlineData("PAYLOAD_INVALID", "}", "", false)]
    [InlineData("DIGEST_MISMATCH", "sha256:aaaa", "sha256:bbbb", false)]
    public async Task Validation_of_what_is_signed_but_is_no_attestation_fails(string why, string old, string changed, bool underOtherId)
    {
        using var signer = new Signer("build", _project);
        await rest.AttestorAsync(signer);
        var payload = System.Text.Encoding.UTF8.GetString(Signer.Payload(Image));
        var signed = System.Text.Encoding.UTF8.GetBytes(old.Length == 0 ? payload : payload.Replace(old, changed, StringComparison.Ordinal));

        var said = await ValidateAsync(signer, $$$"""
            {"serializedPayload": "{{{Convert.ToBase64String(signed)}}}", "signatures": [
              {"publicKeyId": "{{{(underOtherId ? "//keys.example.com/other" : signer.KeyId)}}}", "signature": "{{{Convert.ToBase64String(signer.Sign(signed))}}}"}]}
            """, Image);

        Assert.StartsWith(why, said, StringComparison.Ordinal);
    }

    [Fact, Trait("attack", "45")]
    public async Task Validation_under_the_note_of_another_attestor_fails()
    {
        using var signer = new Signer("build", _project);
        await rest.AttestorAsync(signer);

        var reply = await rest.DoAsync("POST", $"/v1/{signer.Attestor}:validateAttestationOccurrence", Request($"projects/{_project}/notes/other", Attestation(signer, Image), Image));

        Assert.Equal("ATTESTATION_NOT_VERIFIABLE", reply["result"]);
        Assert.Contains("notes/other", reply["denialReason"], StringComparison.Ordinal);
    }

    [Fact, Trait("attack", "49")]
    public async Task Validation_by_an_attestor_without_keys_fails()
    {
        using var signer = new Signer("build", _project);
        await rest.AttestorAsync(signer, withKey: false);

        Assert.StartsWith("NO_KEYS", await ValidateAsync(signer, Attestation(signer, Image), Image), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Validation_never_finds_what_is_stored_already()
    {
        using var signer = new Signer("build", _project);
        await rest.AttestorAsync(signer);
        await rest.DoAsync("POST", $"/v1/projects/{_project}/occurrences", signer.Occurrence(Image));

        Assert.StartsWith("NO_ATTESTATION", await ValidateAsync(signer, """{"serializedPayload": "e30="}""", Image), StringComparison.Ordinal);
    }

    private async Task<string> ValidateAsync(Signer signer, string attestation, string image)
    {
        var reply = await rest.DoAsync("POST", $"/v1/{signer.Attestor}:validateAttestationOccurrence", Request($"projects/{_project}/notes/build", attestation, image));
        return reply["result"] == "VERIFIED" ? "VERIFIED" : reply["denialReason"];
    }

    private static string Request(string note, string attestation, string image) =>
        $$"""{"occurrenceNote": "{{note}}", "occurrenceResourceUri": "{{image}}", "attestation": {{attestation}}}""";

    private static string Attestation(Signer signer, string image) =>
        JsonSerializer.Deserialize<JsonElement>(signer.Occurrence(image)).GetProperty("attestation").GetRawText();

    private Task<RestReply> CreateAsync(params string[] keys) => rest.DoAsync("POST", $"/v1/projects/{_project}/attestors?attestorId=a", Attestor(string.Join(",", keys)));

    private string Attestor(string keys) => $$$"""{"userOwnedGrafeasNote": {"noteReference": "projects/{{{_project}}}/notes/n", "publicKeys": [{{{keys}}}]}}""";

    private async Task<string[]> KeyIdsAsync() =>
        [.. (await rest.DoAsync("GET", One)).Body.GetProperty("userOwnedGrafeasNote").GetProperty("publicKeys").EnumerateArray().Select(key => key.GetProperty("id").GetString()!)];

    private static string Pkix(ECDsa key, string? id = null) =>
        $$$"""{ {{{(id is null ? "" : $"\"id\": \"{id}\", ")}}} "pkixPublicKey": {"publicKeyPem": {{{JsonSerializer.Serialize(key.ExportSubjectPublicKeyInfoPem())}}}, "signatureAlgorithm": "ECDSA_P256_SHA256"}}""";

    private static string IdOf(ECDsa key) => "ni:///sha-256;" + Convert.ToBase64String(SHA256.HashData(key.ExportSubjectPublicKeyInfo())).TrimEnd('=').Replace('+', '-').Replace('/', '_');
}
