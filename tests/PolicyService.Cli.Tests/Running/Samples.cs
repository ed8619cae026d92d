using Grpc.Core;
using PolicyService.Api.V1;

namespace PolicyService.Cli.Tests.Running;

/// <summary>Images and answers that many tests ask with.</summary>
public static class Samples
{
    public const string Hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    public const string Image = $"registry.example.com/shop/web@sha256:{Hex}";
    public const string Cluster = "europe-west1.prod";

    /// <summary>Longer than any console is wide, with what a shell needs and JSON would escape.</summary>
    public const string Remedy = $"""
        policyctl payload registry.example.com/shop/web@sha256:{Hex} > payload.json
        printf '%s\n' "noteName: 'a+b'" '{Hex}{Hex}{Hex}' > attestations/web.yaml
        """;

    public static EvaluateResponse Allow => new()
    {
        Verdict = Verdict.Allow,
        Conformance = Conformance.Conformant,
        PolicyEtag = "sha256:1",
        DecisionId = "id-1",
        Reasons = { new Reason { Code = ReasonCode.Attested, Text = "attested", Attestor = "projects/p/attestors/build", KeyId = "ni:///sha-256;k+1" } },
    };

    public static EvaluateResponse Deny => new()
    {
        Verdict = Verdict.Deny,
        Conformance = Conformance.NonConformant,
        PolicyEtag = "sha256:1",
        DecisionId = "id-2",
        Reasons =
        {
            new Reason
            {
                Code = ReasonCode.DeniedByAttestor,
                Detail = "NO_ATTESTATION",
                Text = "Image <I> denied",
                Attestor = "projects/p/attestors/build",
                Remedy = Remedy.ReplaceLineEndings("\n"),
            },
        },
    };

    public static EvaluateBatchResult Invalid => Failed(StatusCode.InvalidArgument, "image_digest", "`x` is not an image");

    public static EvaluateBatchResult Failed(StatusCode code, string field, string message) =>
        new() { Error = new Error { Code = (int)code, Field = field, Message = message } };

    public static EvaluateResponse Of(Verdict verdict, Conformance conformance) => new() { Verdict = verdict, Conformance = conformance };

    public static string[] Evaluate(ScriptedServer server, params string[] more) =>
        ["evaluate", "--cluster", Cluster, "--server", server.Url, .. more];
}
