using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using PolicyService.Api.V1;
using PolicyService.Core.Attestations;
using PolicyService.Core.Images;
using PolicyService.Evidence.Keys;
using PolicyService.Server.Keys;
using PolicyService.Tests.Kms;

namespace PolicyService.Server.Tests.Keys;

/// <summary>A service whose attestor's key is kept in a key service, and that key service.</summary>
internal sealed class KmsServer : IAsyncDisposable
{
    public const string Resource = "projects/acme/locations/eu/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1";
    public const string KeyId = $"//cloudkms.googleapis.com/v1/{Resource}";
    public const string Attestor = "projects/acme/attestors/build";

    private KmsServer(KmsStandIn standIn, KmsStandInKey key, TestServer server) => (StandIn, Key, Server) = (standIn, key, server);

    public KmsStandIn StandIn { get; }

    public KmsStandInKey Key { get; }

    public TestServer Server { get; }

    /// <param name="options">More lines of <c>options.yaml</c>.</param>
    /// <param name="isPinned">The key has its pin.</param>
    /// <param name="attempt">Time for one call to the key service; long, so that a busy machine does not look like a slow service.</param>
    /// <param name="lifetimes">Those of the service, if not long ones.</param>
    public static async Task<KmsServer> StartAsync(string options = "", bool isPinned = true, TimeSpan? attempt = null, KeyLifetimes? lifetimes = null)
    {
        var standIn = new KmsStandIn();
        var key = standIn.Add(Resource);
        var documents = new DocumentsFolder();
        documents.Write("policy.yaml", DocumentsFolder.Policy(Attestor));
        documents.Write("attestors/build.json", AttestorWith(KeyId));
        documents.Write("options.yaml", $"bindRepository: false\n{(isPinned ? $"pinnedKeys:\n  {KeyId}: {key.Pin}\n" : "")}{options}\n");
        documents.Write("attestations/api.json", Occurrence(Ask.Attested, KeyId, key.SignData(Signer.Payload(Ask.Attested))));
        return new KmsServer(standIn, key, await TestServer.StartAsync(documents, kms: standIn.Url, configure: services => services
            .AddSingleton(lifetimes ?? new KeyLifetimes { Negative = TimeSpan.FromHours(1), Fetch = TimeSpan.FromMinutes(5) })
            .AddSingleton<IKeyManagement>(provider => new CloudKmsClient(
                provider.GetRequiredService<ServerSettings>().KmsEndpoint, attempt ?? TimeSpan.FromMinutes(2), provider.GetRequiredService<KeyMetrics>(), TimeProvider.System))));
    }

    public static string AttestorWith(string keyId) => Attesting($$"""{"id": "{{keyId}}"}""");

    /// <summary>The same with the key in the document.</summary>
    public static string AttestorWith(string keyId, string pem) => Attesting(new System.Text.Json.Nodes.JsonObject
    {
        ["id"] = keyId,
        ["pkixPublicKey"] = new System.Text.Json.Nodes.JsonObject { ["publicKeyPem"] = pem, ["signatureAlgorithm"] = "ECDSA_P256_SHA256" },
    }.ToJsonString());

    private static string Attesting(string key) =>
        $$$"""
        {"name": "{{{Attestor}}}", "userOwnedGrafeasNote": {"noteReference": "projects/acme/notes/build", "publicKeys": [{{{key}}}]}}
        """;

    public static string Occurrence(string image, string keyId, byte[] signature) =>
        $$$"""
        {"kind": "ATTESTATION", "noteName": "projects/acme/notes/build", "resourceUri": "https://{{{image}}}", "createTime": "2026-01-01T00:00:00Z",
         "attestation": {"serializedPayload": "{{{Convert.ToBase64String(SimpleSigningPayload.Write(image[..image.IndexOf('@')], DigestOf(image)))}}}",
                         "signatures": [{"publicKeyId": "{{{keyId}}}", "signature": "{{{Convert.ToBase64String(signature)}}}"}]}}
        """;

    /// <summary>Verdict and reasons of one question in a line.</summary>
    public async Task<string> AnswerAsync(string image = Ask.Attested) => Word(await AskAsync(image));

    /// <summary>One question with all the time a question can have.</summary>
    public async Task<EvaluateResponse> AskAsync(string image = Ask.Attested) => await Server.Client.EvaluateAsync(
        Ask.For(image), deadline: TimeProvider.System.GetUtcNow().UtcDateTime.AddMinutes(5), cancellationToken: TestContext.Current.CancellationToken);

    public static string Word(EvaluateResponse answer) =>
        $"{answer.Verdict} {answer.Conformance} {string.Join(", ", answer.Reasons.Select(reason => $"{reason.Code} {reason.Detail}".TrimEnd()))}";

    /// <summary>One round of looking after the keys, as the service makes them every minute.</summary>
    public Task RoundAsync() => Server.Services.GetServices<IHostedService>().OfType<KeyUpkeep>().Single().RoundAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        await StandIn.DisposeAsync();
    }

    private static Digest DigestOf(string image) => Digest.TryParse(image[(image.IndexOf('@') + 1)..], out var digest) ? digest : throw new ArgumentException(image);
}
