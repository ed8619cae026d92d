using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace PolicyService.Server.Endpoints.Rest;

/// <summary>How the answers of the REST surface are written: proto3 JSON, lowerCamelCase, nothing for what is absent.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ErrorBody))]
[JsonSerializable(typeof(PermissionsReply))]
[JsonSerializable(typeof(ValidateReply))]
[JsonSerializable(typeof(EvaluateReply))]
internal sealed partial class RestJson : JsonSerializerContext
{
    /// <summary>The documents themselves are written as they stand in the store, where people read them.</summary>
    public static JsonWriterOptions Writing { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static JsonSerializerOptions Relaxed { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
