using System.Text.Json;
using PolicyService.Cli.Outputs;
using PolicyService.Core.Documents;

namespace PolicyService.Cli.Registries;

/// <summary>How what was found is written.</summary>
internal static class FindingOutput
{
    public static string Line(SignatureFinding finding)
    {
        var what = finding.Format == SignatureFinding.SimpleSigning ? finding.Format
            : finding.PredicateType.Length == 0 ? "DSSE of nothing that is read"
            : finding.By is null ? $"DSSE that claims to be {finding.PredicateType}"
            : $"DSSE {finding.PredicateType}";
        var state = finding is { By: { } by, Problem: null } ? $"verified: {what}, signed by {by.File} ({by.Key.DefaultId})"
            : finding.By is { } other ? $"not verified: {what}, signed by {other.File}, but {finding.Problem}"
            : $"not verified: {what}, {finding.Problem}";
        return Printable.Line($"{(finding.IsSignature ? "signature" : "attestation")} {state}, in {finding.Place}");
    }

    public static void Write(Utf8JsonWriter writer, SignatureFinding finding)
    {
        writer.WriteStartObject();
        writer.WriteString("kind", finding.IsSignature ? "SIGNATURE" : "ATTESTATION");
        writer.WriteString("manifest", KeyMaterial.Mask(finding.Place));
        writer.WriteString("format", finding.Format == SignatureFinding.SimpleSigning ? "SIMPLE_SIGNING" : "DSSE");
        if (finding.PredicateType.Length > 0)
        {
            writer.WriteString("predicateType", KeyMaterial.Mask(finding.PredicateType));
        }

        writer.WriteBoolean("verified", finding.IsVerified);
        if (finding.By is { } by)
        {
            writer.WriteString("key", by.File);
            writer.WriteString("keyId", by.Key.DefaultId.ToString());
        }

        if (finding.Problem is not null)
        {
            writer.WriteString("problem", KeyMaterial.Mask(finding.Problem));
        }

        writer.WriteEndObject();
    }
}
