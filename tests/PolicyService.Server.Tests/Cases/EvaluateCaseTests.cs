using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using PolicyService.Api.V1;

namespace PolicyService.Server.Tests.Cases;

/// <summary>The folders of <c>tests/testdata/evaluate</c> through a running server: the answers that Core gives.</summary>
public sealed class EvaluateCaseTests
{
    public static TheoryData<string> Cases => [.. CaseFolder.Names.Where(name => CaseFolder.Load(name).Question.CoreOnly is null)];

    [Fact]
    public void Corpus_is_there() => Assert.InRange(Cases.Count, 100, 1_000);

    [Theory, MemberData(nameof(Cases))]
    public async Task Server_gives_the_golden_answer(string name)
    {
        var folder = CaseFolder.Load(name);
        var documents = new DocumentsFolder();
        foreach (var (place, content) in folder.Documents())
        {
            documents.Write(place, content);
        }

        await using var server = await TestServer.StartAsync(documents, new FakeTimeProvider(folder.Question.EvaluateTime));

        folder.AssertGolden(await AskAsync(server, JsonParser.Default.Parse<EvaluateRequest>(folder.Question.Request.GetRawText())));
    }

    private static async Task<CaseAnswer> AskAsync(TestServer server, EvaluateRequest request)
    {
        try
        {
            var response = await server.AskAsync(request);
            Assert.Equal((request.ImageDigest, request.Cluster), (response.ImageDigest, response.Cluster));
            return AnswerOf(response);
        }
        catch (RpcException exception) when (exception.StatusCode is StatusCode.InvalidArgument)
        {
            return new CaseAnswer { Error = new CaseError("INVALID_ARGUMENT", exception.Status.Detail.Split(':')[0]) };
        }
    }

    private static CaseAnswer AnswerOf(EvaluateResponse response) => new()
    {
        Verdict = NameOf("Verdict", "VERDICT_", (int)response.Verdict),
        Conformance = NameOf("Conformance", "CONFORMANCE_", (int)response.Conformance),
        Reasons = [.. response.Reasons.Select(ReasonOf)],
        BreakGlass = response.BreakGlass,
        FailMode = response.FailMode is FailMode.Unspecified ? null : NameOf("FailMode", "FAIL_MODE_", (int)response.FailMode),
        Stale = response.Stale ? true : null,
        OverriddenVerdict = response.OverriddenVerdict is Verdict.Unspecified ? null : NameOf("Verdict", "VERDICT_", (int)response.OverriddenVerdict),
        OverriddenConformance = response.OverriddenConformance is Conformance.Unspecified
            ? null
            : NameOf("Conformance", "CONFORMANCE_", (int)response.OverriddenConformance),
    };

    private static CaseReason ReasonOf(Reason reason) => new()
    {
        Code = NameOf("ReasonCode", "REASON_CODE_", (int)reason.Code),
        Detail = OrNull(reason.Detail),
        Text = reason.Text,
        Attestor = OrNull(reason.Attestor),
        KeyId = OrNull(reason.KeyId),
        Check = OrNull(reason.Check),
        Remedy = OrNull(reason.Remedy),
    };

    /// <summary>The name in the contract, which the generated names only resemble.</summary>
    private static string NameOf(string type, string prefix, int number) =>
        PolicyDecisionReflection.Descriptor.EnumTypes.Single(one => one.Name == type).FindValueByNumber(number).Name[prefix.Length..];

    private static string? OrNull(string text) => text.Length == 0 ? null : text;
}
