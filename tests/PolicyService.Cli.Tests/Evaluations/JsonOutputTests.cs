using System.Text.Json;
using Grpc.Core;
using PolicyService.Api.V1;
using PolicyService.Cli.Tests.Running;

namespace PolicyService.Cli.Tests.Evaluations;

public sealed class JsonOutputTests
{
    private const string Denied = """
        {
          "image": "registry.example.com/shop/web@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
          "verdict": "DENY",
          "conformance": "NON_CONFORMANT",
          "reasons": [
            {
              "code": "DENIED_BY_ATTESTOR",
              "detail": "NO_ATTESTATION",
              "text": "Image <I> denied",
              "attestor": "projects/p/attestors/build",
              "remedy": "one 'a+b'\ntwo"
            }
          ],
          "policyEtag": "sha256:1",
          "decisionId": "id-2",
          "breakGlass": false
        }

        """;

    private const string Several = """
        [
          {
            "image": "first",
            "verdict": "ALLOW",
            "conformance": "ERROR",
            "reasons": [
              {
                "code": "FAILED_OPEN",
                "text": "open",
                "keyId": "ni:///sha-256;k+1",
                "check": "slsaCheck"
              }
            ],
            "policyEtag": "sha256:1",
            "decisionId": "id-3",
            "breakGlass": true,
            "failMode": "OPEN",
            "stale": true
          },
          {
            "image": "second",
            "verdict": "DENY",
            "conformance": "ERROR",
            "reasons": [
              {
                "code": "UNSPECIFIED",
                "detail": "INVALID_ARGUMENT",
                "text": "no decision about second: image_digest: `x` is not an image"
              }
            ],
            "policyEtag": "",
            "decisionId": "",
            "breakGlass": false
          }
        ]

        """;

    [Fact]
    public async Task One_image_is_the_object()
    {
        var answer = Samples.Deny;
        answer.Reasons[0].Remedy = "one 'a+b'\ntwo";
        await using var server = await ScriptedServer.StartAsync(answer);

        var run = await Policyctl.RunAsync(Samples.Evaluate(server, Samples.Image, "-o", "json"));

        Assert.Equal((1, ""), (run.ExitCode, run.Error));
        Assert.Equal(Denied.ReplaceLineEndings("\n"), run.Text);
    }

    [Fact]
    public async Task Several_images_are_an_array_and_the_undecided_are_denied()
    {
        var failedOpen = new EvaluateResponse
        {
            Verdict = Verdict.Allow,
            Conformance = Conformance.Error,
            FailMode = FailMode.Open,
            Stale = true,
            BreakGlass = true,
            PolicyEtag = "sha256:1",
            DecisionId = "id-3",
            Reasons = { new Reason { Code = ReasonCode.FailedOpen, Text = "open", KeyId = "ni:///sha-256;k+1", Check = "slsaCheck" } },
        };
        await using var server = await ScriptedServer.StartAsync(request =>
            request.ImageDigest == "first" ? new EvaluateBatchResult { Response = ScriptedServer.Echo(request, failedOpen) } : Samples.Invalid);

        var run = await Policyctl.RunAsync(Samples.Evaluate(server, "first", "second", "-o", "json"));

        Assert.Equal(2, run.ExitCode);
        Assert.Equal("policyctl: no decision about second: image_digest: `x` is not an image\n", run.Error);
        Assert.Equal(Several.ReplaceLineEndings("\n"), run.Text);
    }

    [Fact]
    public async Task Without_an_answer_every_image_is_denied_on_stdout_and_one_line_says_why()
    {
        await using var server = await ScriptedServer.StartAsync(_ => Samples.Failed(StatusCode.ResourceExhausted, "", "full"));

        var run = await Policyctl.RunAsync(Samples.Evaluate(server, "first", "-o", "json"));

        Assert.Equal(3, run.ExitCode);
        Assert.Single(run.ErrorLines);
        using var json = JsonDocument.Parse(run.Output);
        Assert.Equal("DENY", json.RootElement.GetProperty("verdict").GetString());
        Assert.Equal("RESOURCE_EXHAUSTED", json.RootElement.GetProperty("reasons")[0].GetProperty("detail").GetString());
    }

    [Theory]
    [InlineData(Verdict.Allow, "ALLOW")]
    [InlineData(Verdict.Deny, "DENY")]
    [InlineData(Verdict.Dryrun, "DRYRUN")]
    public async Task Verdicts_have_the_names_of_the_contract(Verdict verdict, string expected)
    {
        await using var server = await ScriptedServer.StartAsync(Samples.Of(verdict, Conformance.NonConformant));

        var run = await Policyctl.RunAsync(Samples.Evaluate(server, Samples.Image, "-o", "json"));

        using var json = JsonDocument.Parse(run.Output);
        Assert.Equal(expected, json.RootElement.GetProperty("verdict").GetString());
    }

    [Fact]
    public void Reason_codes_have_the_names_of_the_contract()
    {
        var names = ReasonCodeReflection().ToDictionary(value => value.Number, value => value.Name["REASON_CODE_".Length..]);

        Assert.All(Enum.GetValues<ReasonCode>(), code => Assert.Equal(names[(int)code], Cli.Evaluations.WireNames.Of(code)));
    }

    [Fact]
    public async Task Trace_is_there_when_asked_for()
    {
        var answer = Samples.Allow;
        answer.Trace.Add(new Step { Step_ = "allowlist", Outcome = "no match" });
        await using var server = await ScriptedServer.StartAsync(answer);

        var run = await Policyctl.RunAsync(Samples.Evaluate(server, Samples.Image, "--explain", "-o", "json"));

        using var json = JsonDocument.Parse(run.Output);
        Assert.Equal("""[{"step":"allowlist","outcome":"no match"}]""", JsonSerializer.Serialize(json.RootElement.GetProperty("trace")));
    }

    private static IEnumerable<Google.Protobuf.Reflection.EnumValueDescriptor> ReasonCodeReflection() =>
        PolicyDecisionReflection.Descriptor.EnumTypes.Single(type => type.Name == nameof(ReasonCode)).Values;
}
