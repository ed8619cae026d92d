using System.Text.Json;
using PolicyService.Core.Attestations;

namespace PolicyService.Fuzz.Targets;

/// <summary>Simple-signing payloads: one that parses names one digest, by any reader, and says the same when it is written again.</summary>
internal static class PayloadTarget
{
    public static void Check(byte[] json)
    {
        var isTaken = SimpleSigningPayload.TryParse(json, out var payload, out var problem);
        Finding.Unless(isTaken == (payload is not null) && isTaken == (problem is null), "neither a payload nor a problem, or both");
        if (payload is not null)
        {
            CheckPayload(json, payload);
        }
    }

    /// <summary>What holds of a payload that was read out of the JSON, which may have fields beside it.</summary>
    public static void CheckPayload(byte[] json, SimpleSigningPayload payload)
    {
        Finding.Unless(payload.Type is not SimpleSigningType.Unspecified, "a payload of no type");
        Finding.Unless(Digests(json) is [var digest] && digest == payload.Digest.ToString(), "the payload's digest is not the only one in it");
        Finding.Unless(
            SimpleSigningPayload.TryParse(SimpleSigningPayload.Write(payload.DockerReference, payload.Digest), out var again, out _)
            && again == payload with { Type = SimpleSigningType.BinaryAuthorization },
            "the payload is another when written again");
    }

    /// <summary>Every string that another reader could take for the digest: the first, the last, or any between.</summary>
    private static List<string?> Digests(byte[] json)
    {
        var digests = new List<string?>();
        var path = new Stack<string?>();
        string? name = null;
        var reader = new Utf8JsonReader(json);
        while (reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.PropertyName:
                    name = reader.GetString();
                    break;
                case JsonTokenType.StartObject or JsonTokenType.StartArray:
                    path.Push(name);
                    name = null;
                    break;
                case JsonTokenType.EndObject or JsonTokenType.EndArray:
                    path.Pop();
                    break;
                case JsonTokenType.String when name == "docker-manifest-digest" && path.ToArray() is ["image", "critical", null]:
                    digests.Add(reader.GetString());
                    break;
            }
        }

        return digests;
    }
}
