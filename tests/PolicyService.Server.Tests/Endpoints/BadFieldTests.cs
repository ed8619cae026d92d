using Grpc.Core;
using PolicyService.Api.V1;

namespace PolicyService.Server.Tests.Endpoints;

/// <summary>ATTACKS 107: what a caller writes comes back escaped and cut, and leaves no record.</summary>
public sealed class BadFieldTests(StandardServer standard) : IClassFixture<StandardServer>
{
    private static readonly string Huge = new('a', 1024 * 1024);

    private static readonly Dictionary<string, (EvaluateRequest Request, string Field, string Shown)> Table = new(StringComparer.Ordinal)
    {
        ["no image"] = (Ask.For(""), "image_digest", "``"),
        ["white space in the image"] = (Ask.For("gcr.io/a b"), "image_digest", "`gcr.io/a b`"),
        ["line end in the image"] = (Ask.For("gcr.io/a\nb"), "image_digest", @"`gcr.io/a\u000ab`"),
        ["colour in the image"] = (Ask.For("gcr.io/\u001b[31ma"), "image_digest", @"`gcr.io/\u001b[31ma`"),
        ["NUL in the image"] = (Ask.For("gcr.io/a\0"), "image_digest", @"`gcr.io/a\u0000`"),
        ["back-tick in the image"] = (Ask.For("gcr.io/`a`"), "image_digest", @"`gcr.io/\u0060a\u0060`"),
        ["not ASCII in the image"] = (Ask.For("gcr.io/é"), "image_digest", @"`gcr.io/\u00e9`"),
        ["megabyte of image"] = (Ask.For(Huge), "image_digest", "1048576 characters"),
        ["another bare digest"] = (Ask.For("sha512:" + new string('a', 128)), "image_digest", "`sha512:"),
        ["no cluster"] = (Ask.For("a", ""), "cluster", "``"),
        ["cluster without location"] = (Ask.For("a", "edge"), "cluster", "`edge`"),
        ["cluster with three parts"] = (Ask.For("a", "a.b.c"), "cluster", "`a.b.c`"),
        ["upper-case cluster"] = (Ask.For("a", "dc1.Edge"), "cluster", "`dc1.Edge`"),
        ["cluster with an empty location"] = (Ask.For("a", ".edge"), "cluster", "`.edge`"),
        ["colour in the cluster"] = (Ask.For("a", "dc1.\u001b[2Jb"), "cluster", @"\u001b[2Jb"),
        ["megabyte of cluster"] = (Ask.For("a", Huge), "cluster", "1048576 characters"),
        ["project with a slash"] = (With(request => request.Project = "a/b"), "project", "`a/b`"),
        ["line end in the project"] = (With(request => request.Project = "a\r\nb"), "project", @"\u000d\u000a"),
        ["upper-case namespace"] = (With(request => request.Namespace = "Default"), "namespace", "`Default`"),
        ["namespace with a dot"] = (With(request => request.Namespace = "a.b"), "namespace", "`a.b`"),
        ["service account with its namespace"] = (With(request => request.ServiceAccount = "default:build"), "service_account", "`default:build`"),
        ["SPIFFE id without its service account"] = (With(request => request.IstioIdentity = "spiffe://td/ns/a"), "istio_identity", "`spiffe://td/ns/a`"),
        ["another scheme"] = (With(request => request.IstioIdentity = "https://td/ns/a/sa/b"), "istio_identity", "`https://td/ns/a/sa/b`"),
        ["short parent digest"] = (With(request => request.ParentDigest = "sha256:aa"), "parent_digest", "`sha256:aa`"),
        ["bare attestor"] = (With(request => request.Attestations.Add(new InlineAttestation { Attestor = "build", PublicKeyId = "k" })), "attestations[0].attestor", "`build`"),
        ["no attestor"] = (With(request => request.Attestations.Add(new InlineAttestation { PublicKeyId = "k" })), "attestations[0].attestor", "``"),
        ["second key id with a space"] = (With(request => request.Attestations.AddRange([Inline("k"), Inline("k k")])), "attestations[1].public_key_id", "`k k`"),
        ["no key id"] = (With(request => request.Attestations.Add(Inline(""))), "attestations[0].public_key_id", "``"),
    };

    public static TheoryData<string> Cases => [.. Table.Keys];

    [Theory, MemberData(nameof(Cases))]
    public async Task Evaluate_names_the_field_and_shows_its_value_harmlessly(string name)
    {
        var (request, field, shown) = Table[name];

        var status = await standard.Server.RefusalAsync(request);

        Assert.Equal(StatusCode.InvalidArgument, status.StatusCode);
        Assert.StartsWith($"{field}: `", status.Detail, StringComparison.Ordinal);
        Assert.Contains(shown, status.Detail, StringComparison.Ordinal);
        Assert.True(status.Detail.Length < 400, $"{status.Detail.Length} characters");
        Assert.DoesNotContain(status.Detail, char.IsControl);
    }

    [Fact]
    public async Task Evaluate_records_only_decisions()
    {
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer));

        await server.RefusalAsync(Ask.For("gcr.io/a b"));
        var answer = await server.AskAsync(Ask.For(Ask.Attested));

        await server.Records.Of(answer.DecisionId);
        Assert.Single(server.Records.Records());
    }

    [Fact]
    public async Task Evaluate_answers_after_every_refusal()
    {
        await standard.Server.RefusalAsync(Ask.For(Huge));

        Assert.Equal(Verdict.Allow, (await standard.Server.AskAsync(Ask.For(Ask.Attested))).Verdict);
    }

    private static EvaluateRequest With(Action<EvaluateRequest> change)
    {
        var request = Ask.For("gcr.io/acme/api:1");
        change(request);
        return request;
    }

    private static InlineAttestation Inline(string keyId) => new() { Attestor = "projects/acme/attestors/build", PublicKeyId = keyId };
}
