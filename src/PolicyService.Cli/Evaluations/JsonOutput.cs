using System.Text.Json;
using PolicyService.Api.V1;
using PolicyService.Cli.Outputs;
using PolicyService.Core.Documents;

namespace PolicyService.Cli.Evaluations;

/// <summary>Decisions for programs (ARCHITECTURE section 4): the object for one image, an array for several, nothing else on stdout.</summary>
internal static class JsonOutput
{
    public static void Write(Stream output, IReadOnlyList<Answer> answers) => Json.Write(output, writer => WriteAll(writer, answers));

    private static void WriteAll(Utf8JsonWriter writer, IReadOnlyList<Answer> answers)
    {
        if (answers is [var only])
        {
            WriteOne(writer, only);
            return;
        }

        writer.WriteStartArray();
        foreach (var answer in answers)
        {
            WriteOne(writer, answer);
        }

        writer.WriteEndArray();
    }

    private static void WriteOne(Utf8JsonWriter writer, Answer answer)
    {
        var response = answer.Response;
        writer.WriteStartObject();
        writer.WriteString("image", KeyMaterial.Mask(response.ImageDigest));
        // One image of several manifests is told apart by the workload it is for.
        WriteGiven(writer, "namespace", answer.Manifest?.Namespace ?? "");
        WriteGiven(writer, "serviceAccount", answer.Manifest?.ServiceAccount ?? "");
        writer.WriteString("verdict", WireNames.Of(response.Verdict));
        writer.WriteString("conformance", WireNames.Of(response.Conformance));
        writer.WriteStartArray("reasons");
        foreach (var reason in response.Reasons)
        {
            WriteReason(writer, reason);
        }

        writer.WriteEndArray();
        writer.WriteString("policyEtag", response.PolicyEtag);
        writer.WriteString("decisionId", response.DecisionId);
        writer.WriteBoolean("breakGlass", response.BreakGlass);
        WriteGiven(writer, "failMode", WireNames.Of(response.FailMode));
        if (response.Stale)
        {
            writer.WriteBoolean("stale", true);
        }

        WriteTrace(writer, response);
        writer.WriteEndObject();
    }

    private static void WriteReason(Utf8JsonWriter writer, Reason reason)
    {
        writer.WriteStartObject();
        writer.WriteString("code", WireNames.Of(reason.Code));
        WriteGiven(writer, "detail", reason.Detail);
        writer.WriteString("text", KeyMaterial.Mask(reason.Text));
        WriteGiven(writer, "attestor", reason.Attestor);
        WriteGiven(writer, "keyId", reason.KeyId);
        WriteGiven(writer, "check", reason.Check);
        WriteGiven(writer, "remedy", reason.Remedy);
        writer.WriteEndObject();
    }

    /// <summary>Only with <c>--explain</c>: without it the server sends no trace.</summary>
    private static void WriteTrace(Utf8JsonWriter writer, EvaluateResponse response)
    {
        if (response.Trace.Count == 0)
        {
            return;
        }

        writer.WriteStartArray("trace");
        foreach (var step in response.Trace)
        {
            writer.WriteStartObject();
            writer.WriteString("step", step.Step_);
            writer.WriteString("outcome", step.Outcome);
            WriteGiven(writer, "text", step.Text);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void WriteGiven(Utf8JsonWriter writer, string name, string value)
    {
        if (value.Length > 0)
        {
            writer.WriteString(name, KeyMaterial.Mask(value));
        }
    }
}
