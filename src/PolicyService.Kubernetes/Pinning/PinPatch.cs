using System.Buffers;
using System.Text;
using System.Text.Json;
using PolicyService.Kubernetes.Reviews;
using PolicyService.Kubernetes.Workloads;

namespace PolicyService.Kubernetes.Pinning;

/// <summary>The JSON patch (RFC 6902) that puts digests into a pod.</summary>
internal static class PinPatch
{
    /// <summary>Keeps the tags visible: a JSON object of the images as they were written, by <c>field/name</c>.</summary>
    public const string Annotation = "policyservice.dev/tags";

    // The cluster refuses a pod with more than this in its annotations.
    private const int MaxAnnotationBytes = 256 * 1024;
    private static readonly string[] Fields = ["containers", "initContainers", "ephemeralContainers", "volumes"];

    /// <param name="pod">The pod; it has been read before, so its shape is known.</param>
    /// <param name="pins">What is pinned, with the image to put in its place.</param>
    /// <param name="keepsTags">The annotation is written; the subresource of ephemeral containers cannot change it.</param>
    /// <returns>Empty: there is nothing to change.</returns>
    public static ReadOnlyMemory<byte> Write(JsonElement pod, IReadOnlyDictionary<ContainerImage, string> pins, bool keepsTags)
    {
        if (pins.Count == 0)
        {
            return default;
        }

        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, ReviewJson.Writing))
        {
            json.WriteStartArray();
            foreach (var field in Fields)
            {
                WriteImages(json, pod.GetProperty("spec"), field, pins);
            }

            if (keepsTags)
            {
                WriteTags(json, pod, pins.Keys);
            }

            json.WriteEndArray();
        }

        return buffer.WrittenMemory;
    }

    private static void WriteImages(Utf8JsonWriter json, JsonElement spec, string field, IReadOnlyDictionary<ContainerImage, string> pins)
    {
        if (!spec.TryGetProperty(field, out var list) || list.ValueKind is not JsonValueKind.Array)
        {
            return;
        }

        var (isVolume, index) = (field == "volumes", -1);
        foreach (var element in list.EnumerateArray())
        {
            index++;
            if (ImageOf(element, isVolume) is { } image && pins.TryGetValue(new ContainerImage("", field, element.GetProperty("name").GetString()!, image), out var pinned))
            {
                WriteOperation(json, "replace", $"/spec/{field}/{index}/image{(isVolume ? "/reference" : "")}", pinned);
            }
        }
    }

    private static string? ImageOf(JsonElement element, bool isVolume) =>
        !element.TryGetProperty("image", out var image) || image.ValueKind is JsonValueKind.Null ? null
        : !isVolume ? image.GetString()
        : image.TryGetProperty("reference", out var reference) ? reference.GetString()
        : null;

    private static void WriteTags(Utf8JsonWriter json, JsonElement pod, IEnumerable<ContainerImage> pinned)
    {
        var metadata = Member(pod, "metadata");
        var annotations = metadata is { } parent ? Member(parent, "annotations") : null;
        var tags = Existing(annotations);
        foreach (var image in pinned)
        {
            tags[$"{image.Field}/{image.Name}"] = image.Image;
        }

        var text = JsonSerializer.Serialize(tags);
        if (Encoding.UTF8.GetByteCount(text) + Annotation.Length + (annotations?.GetRawText().Length ?? 0) > MaxAnnotationBytes)
        {
            return;
        }

        if (metadata is null)
        {
            WriteOperation(json, "add", "/metadata", () => WriteObject(json, () => WriteObject(json, () => json.WriteString(Annotation, text), "annotations")));
        }
        else if (annotations is null)
        {
            WriteOperation(json, "add", "/metadata/annotations", () => WriteObject(json, () => json.WriteString(Annotation, text)));
        }
        else
        {
            WriteOperation(json, "add", $"/metadata/annotations/{Annotation.Replace("/", "~1", StringComparison.Ordinal)}", text);
        }
    }

    private static JsonElement? Member(JsonElement owner, string name) =>
        owner.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.Object ? value : null;

    /// <summary>What an earlier change left there. Anybody may have written it: what is no such object is replaced.</summary>
    private static SortedDictionary<string, string> Existing(JsonElement? annotations)
    {
        var tags = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (annotations is { } element && element.TryGetProperty(Annotation, out var value) && value.GetString() is { } text)
        {
            try
            {
                foreach (var (key, tag) in JsonSerializer.Deserialize<Dictionary<string, string>>(text) ?? [])
                {
                    tags[key] = tag;
                }
            }
            catch (JsonException)
            {
                // Nothing to keep.
            }
        }

        return tags;
    }

    private static void WriteOperation(Utf8JsonWriter json, string operation, string path, string value) =>
        WriteOperation(json, operation, path, () => json.WriteStringValue(value));

    private static void WriteOperation(Utf8JsonWriter json, string operation, string path, Action value)
    {
        json.WriteStartObject();
        json.WriteString("op", operation);
        json.WriteString("path", path);
        json.WritePropertyName("value");
        value();
        json.WriteEndObject();
    }

    private static void WriteObject(Utf8JsonWriter json, Action content, string? name = null)
    {
        if (name is not null)
        {
            json.WritePropertyName(name);
        }

        json.WriteStartObject();
        content();
        json.WriteEndObject();
    }
}
