using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using PolicyService.Api.V1;
using PolicyService.Core;
using PolicyService.Server.Access;

namespace PolicyService.Server.Endpoints.Rest;

/// <summary><c>POST /v1/evaluate</c>: the request and answer of <c>Evaluate</c> as proto3 JSON, for curl and scripts.</summary>
public static class EvaluateEndpoint
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = Limits.Depth };
    private static readonly JsonParser Parser = new(JsonParser.Settings.Default);
    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default);

    public static async Task HandleAsync(HttpContext context, EvaluationGate gate)
    {
        if (!context.Request.HasJsonContentType())
        {
            // A browser may send other types across sites without asking first.
            await RestError.WriteAsync(context, StatusCodes.Status415UnsupportedMediaType, "INVALID_ARGUMENT", "send content-type: application/json");
            return;
        }

        var (request, problem) = await ReadAsync(context);
        if (request is null)
        {
            await RestError.WriteAsync(context, StatusCodes.Status400BadRequest, "INVALID_ARGUMENT", problem);
            return;
        }

        var answer = await gate.AskAsync(request, context.Caller(), gate.Version, gate.DeadlineOf(DateTime.MaxValue), context.RequestAborted);
        if (answer.Response is null)
        {
            var (code, status) = (StatusCode)answer.Error!.Code switch
            {
                StatusCode.InvalidArgument => (StatusCodes.Status400BadRequest, "INVALID_ARGUMENT"),
                StatusCode.PermissionDenied => (StatusCodes.Status403Forbidden, "PERMISSION_DENIED"),
                _ => (StatusCodes.Status503ServiceUnavailable, "UNAVAILABLE"),
            };
            await RestError.WriteAsync(context, code, status, answer.Error.Message, answer.Error.Field);
            return;
        }

        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(Formatter.Format(answer.Response), context.RequestAborted);
    }

    /// <exception cref="BadHttpRequestException">The body is larger than the server takes; the framework answers 413.</exception>
    private static async Task<(EvaluateRequest? Request, string Problem)> ReadAsync(HttpContext context)
    {
        try
        {
            var node = await JsonNode.ParseAsync(context.Request.Body, null, Strict, context.RequestAborted);
            if (node is not JsonObject body)
            {
                return (null, "the body is no JSON object");
            }

            if ((body["attestations"] as JsonArray)?.Count > Limits.MessageParts / 10)
            {
                return (null, $"attestations: more than {Limits.MessageParts / 10}: send fewer");
            }

            if (RepeatedField(body, EvaluateRequest.Descriptor) is { } field)
            {
                return (null, $"the field {field} stands twice, in two spellings");
            }

            TranslateBytes(body);
            return (Parser.Parse<EvaluateRequest>(body.ToJsonString()), "");
        }
        catch (Exception exception) when (exception is JsonException or InvalidProtocolBufferException or InvalidJsonException or ArgumentException or InvalidOperationException)
        {
            return (null, $"the body is no EvaluateRequest: {Core.Documents.Shown.Value(exception.Message)}");
        }
    }

    /// <summary>proto3 JSON knows two names for a field; both in one body would leave open which counts.</summary>
    private static string? RepeatedField(JsonObject body, MessageDescriptor message)
    {
        foreach (var field in message.Fields.InDeclarationOrder())
        {
            if (field.Name != field.JsonName && body.ContainsKey(field.Name) && body.ContainsKey(field.JsonName))
            {
                return field.Name;
            }

            if (field.FieldType is FieldType.Message && !field.IsMap
                && Inner(body[field.JsonName] ?? body[field.Name]).Select(inner => RepeatedField(inner, field.MessageType)).FirstOrDefault(name => name is not null) is { } repeated)
            {
                return repeated;
            }
        }

        return null;

        static IEnumerable<JsonObject> Inner(JsonNode? node) => (node is JsonArray list ? list.AsEnumerable() : [node]).OfType<JsonObject>();
    }

    /// <summary>The parser takes only standard base64; proto3 JSON asks to accept the URL-safe alphabet too.</summary>
    private static void TranslateBytes(JsonObject body)
    {
        foreach (var item in (body["attestations"] as JsonArray ?? []).OfType<JsonObject>())
        {
            foreach (var name in new[] { "serializedPayload", "serialized_payload", "signature" })
            {
                if (item[name] is JsonValue value && value.TryGetValue<string>(out var text))
                {
                    var standard = text.Replace('-', '+').Replace('_', '/').TrimEnd('=');
                    item[name] = standard.PadRight((standard.Length + 3) / 4 * 4, '=');
                }
            }
        }
    }
}
