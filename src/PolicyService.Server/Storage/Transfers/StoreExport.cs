using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using PolicyService.Core;
using PolicyService.Core.Policies;

namespace PolicyService.Server.Storage.Transfers;

/// <summary>An export that cannot be made, in one line. No exception of input or output: the database has those too.</summary>
internal sealed class ExportException(string message, Exception cause) : Exception(message, cause);

/// <summary>
/// Writes a store into an empty directory: what decides in the layout of a directory of documents (ARCHITECTURE section 4), so that the
/// service can run on it, and the rest beside it under <c>store/</c>, which the service does not look into. All of it, or nothing.
/// </summary>
internal static class StoreExport
{
    /// <summary>Characters of an id in the name of a file that says inside whose it is.</summary>
    private const int IdCharacters = 150;

    private static readonly JsonWriterOptions Indented = new() { Indented = true, Encoder = DocumentJson.Writing.Encoder };
    private static readonly JsonWriterOptions ForPeople = new() { Indented = true };

    /// <param name="store">The store; all of one state of it is written.</param>
    /// <param name="target">An empty directory, or one that does not exist. If this fails it is as it was.</param>
    /// <param name="cancellation">Stop.</param>
    /// <returns>Documents and occurrences written.</returns>
    /// <exception cref="IOException">The directory is not empty or cannot be written.</exception>
    /// <exception cref="ExportException">A document or occurrence cannot be written.</exception>
    /// <exception cref="StoreUnavailableException">The database does not answer.</exception>
    public static async Task<(int Documents, int Occurrences)> RunAsync(DocumentStore store, string target, CancellationToken cancellation)
    {
        using var directory = new ExportDirectory(target);
        var documents = 0;
        var occurrences = new OccurrenceFiles(directory);
        await store.ReadAllAsync(
            document => Guarded(document.Key, () =>
            {
                documents++;
                directory.Write(PlaceOf(document.Key), TextOf(document.Content));
            }),
            (kind, occurrence) => Guarded(occurrence.Key, () => occurrences.Add(kind, occurrence)),
            cancellation);
        occurrences.Finish();
        directory.Complete();
        return (documents, occurrences.Count);
    }

    /// <summary>A document as people compare it, in ASCII; nothing for none.</summary>
    public static IReadOnlyList<string> Lines(string? content) =>
        content is null ? [] : Indent(content, ForPeople).Split('\n');

    /// <summary>Where a document stands in an export; the place in a directory of documents where it has one.</summary>
    private static string PlaceOf(DocumentKey key)
    {
        var project = $"projects/{LongName.PathOf(key.Project)}";
        return key.Kind switch
        {
            StoredKind.Policy => $"{project}/policy.json",
            StoredKind.Options => $"{project}/options.json",
            StoredKind.Attestor => $"{project}/attestors/{FileName("", key.LastPart)}",
            StoredKind.PlatformPolicy => $"{project}/platform-policies/{FileName($"{key.Parent[(key.Parent.LastIndexOf('/') + 1)..]}.", key.LastPart)}",
            StoredKind.SystemPolicy => "system-policy.json",
            StoredKind.Clusters => "clusters.json",
            StoredKind.Note => $"{project}/store/notes/{LongName.PathOf(key.LastPart, ".json")}",
            StoredKind.PolicyIam => $"{project}/store/policy-iam.json",
            StoredKind.AttestorIam => $"{project}/store/attestor-iam/{LongName.PathOf(key.LastPart, ".json")}",
            StoredKind.ContinuousValidation => $"{project}/store/continuous-validation.json",
            _ => throw new ArgumentException($"documents of kind {key.Kind} are not exported", nameof(key)),
        };
    }

    /// <summary>Such a document says its own name, so that of its file only has to be short and its own.</summary>
    private static string FileName(string prefix, string id) => id.Length <= IdCharacters
        ? $"{prefix}{id}.json"
        : $"{prefix}{id[..IdCharacters]}~{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(id)))}.json";

    /// <summary>In lines for people where that does not lift it over the limit of what is read.</summary>
    private static string TextOf(string content)
    {
        var indented = Indent(content, Indented) + "\n";
        return JsonText.Bytes(indented) <= Limits.MessageBytes ? indented
            : JsonText.Bytes(content) <= Limits.MessageBytes ? content
            : JsonText.Unescaped(content);
    }

    private static string Indent(string content, JsonWriterOptions options)
    {
        using var document = JsonDocument.Parse(content, DocumentJson.Options);
        var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, options))
        {
            document.RootElement.WriteTo(writer);
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    private static void Guarded(DocumentKey key, Action write)
    {
        try
        {
            write();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ExportException($"{key.Name} cannot be written: {exception.Message}", exception);
        }
        catch (JsonException exception)
        {
            throw new ExportException($"{key.Name} is no JSON in the store: mend or delete it there, or restore a backup", exception);
        }
    }
}
