using System.Collections.Frozen;
using System.Text.Json;
using PolicyService.Core.Images;

namespace PolicyService.Core.Manifests.Oci;

/// <summary>Reads the fields of one document and keeps the first thing that is wrong with it. A field that is null counts as absent.</summary>
internal sealed class OciReader
{
    private int _annotations;

    /// <summary>What is wrong; null if nothing.</summary>
    public string? Problem { get; private set; }

    /// <summary>Descriptors whose digests are of another algorithm than sha256.</summary>
    public int Unusable { get; private set; }

    /// <summary>A list had more than <see cref="Limits.OciEntries"/>.</summary>
    public bool IsCut { get; private set; }

    /// <summary>What makes a document no manifest, or no index, at all; null if nothing.</summary>
    public static string? DocumentProblem(JsonElement root, ReadOnlySpan<string> mediaTypes)
    {
        if (root.ValueKind is not JsonValueKind.Object
            || !root.TryGetProperty("schemaVersion", out var version)
            || version.ValueKind is not JsonValueKind.Number
            || !version.TryGetInt32(out var number)
            || number != 2)
        {
            return "the document is not an object of `schemaVersion` 2";
        }

        return !root.TryGetProperty("mediaType", out var mediaType) || mediaType.ValueKind is JsonValueKind.Null
            || (mediaType.ValueKind is JsonValueKind.String && mediaTypes.Contains(mediaType.GetString()!))
            ? null
            : "`mediaType` is of another kind of document";
    }

    /// <summary>Empty where nothing stands there.</summary>
    public string Text(JsonElement parent, string name)
    {
        if (!TryGet(parent, name, out var value))
        {
            return "";
        }

        return value.ValueKind is JsonValueKind.String ? value.GetString()! : Refuse($"`{name}` is no string", "");
    }

    public IReadOnlyDictionary<string, string> Annotations(JsonElement parent)
    {
        if (!TryGet(parent, "annotations", out var value))
        {
            return FrozenDictionary<string, string>.Empty;
        }

        if (value.ValueKind is not JsonValueKind.Object)
        {
            return Refuse("`annotations` is no object", FrozenDictionary<string, string>.Empty);
        }

        var annotations = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var annotation in value.EnumerateObject())
        {
            if (annotation.Value.ValueKind is not JsonValueKind.String)
            {
                return Refuse("an annotation is no string", annotations);
            }

            if (++_annotations > Limits.OciAnnotations)
            {
                return Refuse($"the document has more than {Limits.OciAnnotations} annotations", annotations);
            }

            annotations.Add(annotation.Name, annotation.Value.GetString()!);
        }

        return annotations;
    }

    /// <summary>Null: there is none, or it is of no use, or the document is refused.</summary>
    public OciDescriptor? Descriptor(JsonElement parent, string name, bool isRequired)
    {
        if (TryGet(parent, name, out var value))
        {
            return Descriptor(value, name);
        }

        return isRequired ? Refuse<OciDescriptor?>($"`{name}` is missing", null) : null;
    }

    public IReadOnlyList<OciDescriptor> Descriptors(JsonElement parent, string name)
    {
        if (!parent.TryGetProperty(name, out var list))
        {
            return Refuse<IReadOnlyList<OciDescriptor>>($"`{name}` is missing", []);
        }

        if (list.ValueKind is JsonValueKind.Null)
        {
            return []; // how some writers put a list without entries
        }

        if (list.ValueKind is not JsonValueKind.Array)
        {
            return Refuse<IReadOnlyList<OciDescriptor>>($"`{name}` is no list", []);
        }

        // Who appends to a list puts the newest last.
        var skipped = Math.Max(0, list.GetArrayLength() - Limits.OciEntries);
        IsCut |= skipped > 0;
        var descriptors = new List<OciDescriptor>();
        foreach (var item in list.EnumerateArray().Skip(skipped))
        {
            if (Descriptor(item, name) is { } descriptor)
            {
                descriptors.Add(descriptor);
            }

            if (Problem is not null)
            {
                break;
            }
        }

        return descriptors;
    }

    private OciDescriptor? Descriptor(JsonElement value, string name)
    {
        if (value.ValueKind is not JsonValueKind.Object)
        {
            return Refuse<OciDescriptor?>($"a descriptor of `{name}` is no object", null);
        }

        var mediaType = Text(value, "mediaType");
        var digestText = Text(value, "digest");
        if (mediaType.Length == 0 || digestText.Length == 0)
        {
            return Refuse<OciDescriptor?>($"a descriptor of `{name}` has no `mediaType` or no `digest`", null);
        }

        if (!value.TryGetProperty("size", out var sizeValue) || sizeValue.ValueKind is not JsonValueKind.Number || !sizeValue.TryGetInt64(out var size) || size < 0)
        {
            return Refuse<OciDescriptor?>($"a descriptor of `{name}` has no `size` in bytes", null);
        }

        if (Digest.TryParse(digestText, out var digest))
        {
            return new OciDescriptor(mediaType, digest, size, Text(value, "artifactType"), Annotations(value), Platform(value));
        }

        if (digestText.StartsWith("sha256:", StringComparison.Ordinal) || digestText.IndexOf(':', StringComparison.Ordinal) <= 0)
        {
            return Refuse<OciDescriptor?>($"a descriptor of `{name}` has a malformed `digest`", null);
        }

        Unusable++;
        return null;
    }

    private OciPlatform? Platform(JsonElement descriptor)
    {
        if (!TryGet(descriptor, "platform", out var value))
        {
            return null;
        }

        return value.ValueKind is JsonValueKind.Object
            ? new OciPlatform(Text(value, "os"), Text(value, "architecture"), Text(value, "variant"))
            : Refuse<OciPlatform?>("`platform` is no object", null);
    }

    private static bool TryGet(JsonElement parent, string name, out JsonElement value) =>
        parent.TryGetProperty(name, out value) && value.ValueKind is not JsonValueKind.Null;

    private T Refuse<T>(string problem, T nothing)
    {
        Problem ??= problem;
        return nothing;
    }
}
