using System.Globalization;
using System.Text.Json.Serialization;

namespace PolicyService.Server.Endpoints.Rest;

/// <summary>A field of a request that cannot be meant, as <c>google.rpc.BadRequest</c> names it.</summary>
/// <param name="Field">Its path, such as <c>defaultAdmissionRule.evaluationMode</c>; empty: the body as a whole.</param>
/// <param name="Description">What is wrong with it, and what to do; values are escaped and cut.</param>
public sealed record FieldViolation(string Field, string Description);

/// <summary>Google's error shape: <c>{"error":{"code","message","status","details"?}}</c> (GCLOUD_REST section 1).</summary>
public static class RestError
{
    public static Task WriteAsync(HttpContext context, int code, string status, string message, string field = "") =>
        Of(code, status, message, field.Length == 0 ? [] : [new FieldViolation(field, message)]).ExecuteAsync(context);

    /// <summary>The answer that says what is wrong with a request; the message is the first violation.</summary>
    public static IResult Invalid(params IReadOnlyList<FieldViolation> violations) =>
        Of(StatusCodes.Status400BadRequest, "INVALID_ARGUMENT", Message(violations), violations);

    public static IResult Invalid(string field, string problem) => Invalid(new FieldViolation(field, problem));

    public static IResult NotFound(string message) => Of(StatusCodes.Status404NotFound, "NOT_FOUND", message, []);

    /// <param name="code">HTTP status.</param>
    /// <param name="status">Name of the gRPC status.</param>
    /// <param name="message">For people: what, and what to do.</param>
    /// <param name="violations">The fields at fault.</param>
    public static IResult Of(int code, string status, string message, IReadOnlyList<FieldViolation> violations)
    {
        ErrorDetail[]? details = violations.Count == 0 ? null : [new ErrorDetail(violations)];
        return Results.Json(new ErrorBody(new ErrorContent(code, message, status, details)), RestJson.Default.ErrorBody, statusCode: code);
    }

    /// <summary>The answer to who asks too much: 429, when to ask again in <c>Retry-After</c> and in <c>google.rpc.RetryInfo</c>.</summary>
    public static Task WriteRetryAsync(HttpContext context, string message, TimeSpan after) => Retry(context, message, after).ExecuteAsync(context);

    /// <summary>The same from within an endpoint.</summary>
    public static IResult Retry(HttpContext context, string message, TimeSpan after)
    {
        // The header knows whole seconds only.
        context.Response.Headers.RetryAfter = Math.Max(1, Math.Ceiling(after.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        var retry = new ErrorDetail(null, string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(after.TotalMilliseconds) / 1000:0.###}s"));
        var body = new ErrorBody(new ErrorContent(StatusCodes.Status429TooManyRequests, message, "RESOURCE_EXHAUSTED", [retry]));
        return Results.Json(body, RestJson.Default.ErrorBody, statusCode: StatusCodes.Status429TooManyRequests);
    }

    private static string Message(IReadOnlyList<FieldViolation> violations)
    {
        var first = violations[0];
        var text = first.Field.Length == 0 || first.Description.StartsWith($"{first.Field}:", StringComparison.Ordinal) ? first.Description : $"{first.Field}: {first.Description}";
        return violations.Count == 1 ? text : $"{text} (and {violations.Count - 1} more)";
    }
}

internal sealed record ErrorBody(ErrorContent Error);

internal sealed record ErrorContent(int Code, string Message, string Status, IReadOnlyList<ErrorDetail>? Details);

/// <summary><c>google.rpc.BadRequest</c>, or <c>google.rpc.RetryInfo</c>.</summary>
internal sealed record ErrorDetail(IReadOnlyList<FieldViolation>? FieldViolations, string? RetryDelay = null)
{
    [JsonPropertyName("@type"), JsonPropertyOrder(-1)]
    public string Type { get; } = "type.googleapis.com/google.rpc." + (RetryDelay is null ? "BadRequest" : "RetryInfo");
}
