using System.Buffers;
using System.Text.Json;

namespace PolicyService.Kubernetes.Reviews;

/// <summary>Writes the answers to reviews as an API server takes them (KUBERNETES.md points 2 to 5).</summary>
internal static class ReviewWriter
{
    public static ReadOnlyMemory<byte> Admission(string uid, AdmissionAnswer answer)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, ReviewJson.Writing))
        {
            json.WriteStartObject();
            json.WriteString("apiVersion", AdmissionReviewReader.ApiVersion);
            json.WriteString("kind", AdmissionReviewReader.Kind);
            json.WriteStartObject("response");
            json.WriteString("uid", uid);
            json.WriteBoolean("allowed", answer.IsAllowed);
            WriteStatus(json, answer.Problem);
            WriteWarnings(json, answer.Warnings);
            WriteAuditAnnotations(json, answer);
            if (!answer.Patch.IsEmpty)
            {
                json.WriteString("patchType", "JSONPatch");
                json.WriteBase64String("patch", answer.Patch.Span);
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }

    public static ReadOnlyMemory<byte> Image(AdmissionAnswer answer)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, ReviewJson.Writing))
        {
            json.WriteStartObject();
            json.WriteString("apiVersion", ImageReviewReader.ApiVersion);
            json.WriteString("kind", ImageReviewReader.Kind);
            json.WriteStartObject("metadata");
            json.WriteNull("creationTimestamp");
            json.WriteEndObject();
            json.WriteStartObject("status");
            json.WriteBoolean("allowed", answer.IsAllowed);
            if (answer.Problem is { } problem)
            {
                json.WriteString("reason", problem.Message);
            }

            WriteAuditAnnotations(json, answer);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }

    /// <summary>Without a code the user would see 400 and no reason.</summary>
    private static void WriteStatus(Utf8JsonWriter json, ReviewProblem? problem)
    {
        if (problem is null)
        {
            return;
        }

        json.WriteStartObject("status");
        json.WriteString("status", "Failure");
        json.WriteNumber("code", problem.Code);
        json.WriteString("reason", problem.Reason);
        json.WriteString("message", problem.Message);
        json.WriteEndObject();
    }

    private static void WriteWarnings(Utf8JsonWriter json, IReadOnlyList<string> warnings)
    {
        if (warnings.Count == 0)
        {
            return;
        }

        json.WriteStartArray("warnings");
        foreach (var warning in warnings)
        {
            json.WriteStringValue(warning);
        }

        json.WriteEndArray();
    }

    private static void WriteAuditAnnotations(Utf8JsonWriter json, AdmissionAnswer answer)
    {
        if (answer.AuditAnnotations.Count == 0)
        {
            return;
        }

        json.WriteStartObject("auditAnnotations");
        foreach (var (key, value) in answer.AuditAnnotations)
        {
            json.WriteString(key, value);
        }

        json.WriteEndObject();
    }
}
