using System.Text;
using System.Text.Json;
using PolicyService.Core.Documents;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Endpoints.Rest;

/// <summary>What the store said, as Google's APIs say it.</summary>
internal static class RestAnswer
{
    private const string JsonType = "application/json; charset=utf-8";

    /// <summary>JSON that is written already.</summary>
    public static IResult Json(string json) => Results.Text(json, JsonType, Encoding.UTF8);

    /// <param name="outcome">What the store said.</param>
    /// <param name="write">How this resource is written; null: as the store has it.</param>
    public static IResult Of(StoreOutcome outcome, Func<StoredDocument, string>? write = null)
    {
        write ??= document => document.ToJson();
        return outcome switch
        {
            StoreOutcome.Written written => Json(write(written.Document)),
            StoreOutcome.Found found => Json(write(found.Document)),
            StoreOutcome.Deleted => Json("{}"),
            StoreOutcome.NotFound missing => RestError.NotFound($"{Shown.Value(missing.Name)} does not exist"),
            StoreOutcome.AlreadyExists existing => Conflict("ALREADY_EXISTS", $"{Shown.Value(existing.Name)} already exists"),
            StoreOutcome.Conflict conflict => Conflict("ABORTED", $"the etag sent is not the current one of {Shown.Value(conflict.Name)}: it has changed since it was read; read it again"),
            StoreOutcome.Invalid invalid => RestError.Invalid(invalid.Field, invalid.Problem),
            StoreOutcome.Unavailable failure => Unavailable(failure),
            var other => throw new InvalidOperationException($"a page is no answer about one document: {other.GetType().Name}"),
        };
    }

    /// <summary>A page of a list.</summary>
    /// <param name="outcome">What the store said.</param>
    /// <param name="field">Name of the list in the answer.</param>
    /// <param name="write">How one of it is written; null: as the store has it.</param>
    public static IResult List(StoreOutcome outcome, string field, Func<StoredDocument, string>? write = null)
    {
        if (outcome is not StoreOutcome.Page page)
        {
            return Of(outcome, write);
        }

        var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, RestJson.Writing))
        {
            writer.WriteStartObject();
            writer.WriteStartArray(field);
            foreach (var document in page.Documents)
            {
                writer.WriteRawValue(write is null ? document.ToJson() : write(document), skipInputValidation: true);
            }

            writer.WriteEndArray();
            if (page.NextPageToken.Length > 0)
            {
                writer.WriteString("nextPageToken", page.NextPageToken);
            }

            writer.WriteEndObject();
        }

        return Results.Bytes(buffer.GetBuffer().AsMemory(0, (int)buffer.Length), JsonType);
    }

    /// <summary>What the store failed at, by class; what the database said stays in the log.</summary>
    public static IResult Unavailable(StoreOutcome.Unavailable failure) =>
        RestError.Of(StatusCodes.Status503ServiceUnavailable, "UNAVAILABLE", $"the store is unavailable ({failure.Class}): {failure.Problem}; try again", []);

    private static IResult Conflict(string status, string message) => RestError.Of(StatusCodes.Status409Conflict, status, message, []);
}
