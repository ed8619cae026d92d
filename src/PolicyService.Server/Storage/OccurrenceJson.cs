using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using PolicyService.Core.Attestations;
using PolicyService.Core.Documents;
using PolicyService.Core.Policies;

namespace PolicyService.Server.Storage;

/// <summary>What the store reads of an occurrence.</summary>
/// <param name="Kind">As Grafeas spells it.</param>
/// <param name="Note">The note it hangs on.</param>
/// <param name="Resource">Its resource without scheme.</param>
/// <param name="Digest">The digest at the end of the resource; empty if there is none.</param>
/// <param name="Identity">Equal for two occurrences that are the same one.</param>
internal sealed record OccurrenceJson(string Kind, NoteName Note, string Resource, string Digest, string Identity)
{
    public const string Attestation = "ATTESTATION";

    private const int MaxKindLength = 64;
    private static readonly SearchValues<char> KindCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZ_");

    /// <param name="content">The normalised occurrence.</param>
    /// <param name="project">The project it is created in.</param>
    /// <param name="isStorable">Whether the database can hold and find a text.</param>
    /// <param name="occurrence">What was read.</param>
    /// <param name="refusal">What is wrong with it.</param>
    public static bool TryRead(
        string content, string project, Func<string, bool> isStorable, [NotNullWhen(true)] out OccurrenceJson? occurrence, [NotNullWhen(false)] out StoreOutcome.Invalid? refusal)
    {
        (occurrence, refusal) = (null, null);
        using var document = JsonDocument.Parse(content, DocumentJson.Options);
        var kind = Text(document.RootElement, "kind");
        var resourceUri = Text(document.RootElement, "resourceUri");
        if (kind.Length is 0 or > MaxKindLength || kind.AsSpan().ContainsAnyExcept(KindCharacters) || kind is "NOTE_KIND_UNSPECIFIED")
        {
            refusal = new("kind", "write the kind of the occurrence, such as ATTESTATION");
        }
        else if (!NoteName.TryParse(Text(document.RootElement, "noteName"), out var note))
        {
            refusal = new("noteName", "write noteName: projects/<project>/notes/<note>");
        }
        else if (resourceUri.Length == 0 || !isStorable(resourceUri))
        {
            refusal = new("resourceUri", "write the resource's URI, at most 1,024 bytes");
        }
        else if (!TryIdentify(content, kind, out var identity, out var problem))
        {
            refusal = new("attestation", problem);
        }
        else
        {
            var resource = WithoutScheme(resourceUri);
            occurrence = new OccurrenceJson(kind, note, resource, DigestOf(resource), Hash([project, kind, note.ToString(), resource], identity));
        }

        return occurrence is not null;
    }

    /// <summary><c>https://X</c> and <c>X</c> name one artifact (GCLOUD_REST section 7).</summary>
    public static string WithoutScheme(string uri) =>
        uri.StartsWith("https://", StringComparison.Ordinal) ? uri["https://".Length..]
        : uri.StartsWith("http://", StringComparison.Ordinal) ? uri["http://".Length..]
        : uri;

    /// <summary>
    /// The bytes that tell one occurrence from another: of attestations what they signed and by which keys, decoded, so that the spelling of
    /// base64 does not matter; of all others the text.
    /// </summary>
    private static bool TryIdentify(string content, string kind, [NotNullWhen(true)] out IReadOnlyList<ReadOnlyMemory<byte>>? identity, out string problem)
    {
        problem = "";
        if (kind != Attestation)
        {
            identity = [WithoutName(content)];
            return true;
        }

        if (AttestationsOf(content, out problem) is not { } attestations)
        {
            identity = null;
            return false;
        }

        identity =
        [
            .. attestations.SelectMany(attestation => attestation.Signatures
                .SelectMany(signature => new[] { Encoding.UTF8.GetBytes($"{signature.Format}{signature.KeyId}"), signature.Value })
                .Prepend(attestation.Payload)),
        ];
        return true;
    }

    /// <summary>The attestations of an occurrence, as decisions read them; null with the first problem if there is one.</summary>
    public static IReadOnlyList<Attestation>? AttestationsOf(string json, out string problem)
    {
        var problems = new ProblemList("occurrence.json");
        var nodes = DocumentText.Read(Encoding.UTF8.GetBytes(json), problems);
        var attestations = problems.HasErrors ? null : OccurrenceParser.Parse(nodes, problems);
        problem = problems.Problems.FirstOrDefault(found => found.Severity is ProblemSeverity.Error) is { } error ? $"{error.Message}; {error.Remedy}" : "";
        return attestations;
    }

    private static byte[] WithoutName(string content)
    {
        using var document = JsonDocument.Parse(content, DocumentJson.Options);
        var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, DocumentJson.Writing))
        {
            writer.WriteStartObject();
            foreach (var property in document.RootElement.EnumerateObject().Where(property => property.Name is not ("name" or "resourceUri")))
            {
                property.WriteTo(writer);
            }

            writer.WriteEndObject();
        }

        return buffer.ToArray();
    }

    private static string DigestOf(string resource)
    {
        var at = resource.LastIndexOf('@');
        return Core.Images.Digest.TryParse(resource[(at + 1)..], out var digest) ? digest.ToString() : "";
    }

    /// <summary>Lengths keep the parts apart, whatever is in them.</summary>
    private static string Hash(ReadOnlySpan<string> names, IReadOnlyList<ReadOnlyMemory<byte>> parts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var name in names)
        {
            Append(hash, Encoding.UTF8.GetBytes(name));
        }

        foreach (var part in parts)
        {
            Append(hash, part.Span);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Append(IncrementalHash hash, ReadOnlySpan<byte> part)
    {
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(length, part.Length);
        hash.AppendData(length);
        hash.AppendData(part);
    }

    private static string Text(JsonElement root, string field) =>
        root.TryGetProperty(field, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString()! : "";
}
