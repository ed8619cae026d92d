using System.Globalization;
using System.Text.Json.Nodes;
using PolicyService.Core.Attestors;
using PolicyService.Core.Policies;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Endpoints.Rest;

/// <summary>
/// An attestor as one version of the API writes it (GCLOUD_REST sections 2 and 4). The store has one shape, that of v1, with every key id
/// written out.
/// </summary>
internal sealed class AttestorWire
{
    private const string GrafeasNote = "userOwnedGrafeasNote";
    private const string DrydockNote = "userOwnedDrydockNote";

    private readonly string _version;
    private readonly string _note;

    private AttestorWire(string version) => (_version, _note) = (version, version == "v1" ? GrafeasNote : DrydockNote);

    public static AttestorWire Of(string version) => new(version);

    /// <summary>Checks an attestor and brings it into the shape of the store.</summary>
    /// <param name="body">The request; it receives every problem.</param>
    /// <param name="name">The name its path gives it.</param>
    /// <returns>The document, null if there is a problem; its note; and the keys it names without their PEM.</returns>
    public (string? Content, NoteName Note, IReadOnlyList<(string Field, KmsKeyName Key)> Remote) Read(RestBody body, string name)
    {
        RefuseOtherVersion(body);
        if (body.Problems.HasErrors)
        {
            return (null, default, []);
        }

        var attestor = AttestorParser.Parse(body.Named(name), body.Problems);
        if (attestor is null || body.Problems.HasErrors)
        {
            return (null, default, []);
        }

        return (Write(body.ToObject(), attestor), attestor.Note, [.. attestor.Keys.Index()
            .Where(key => key.Item.Remote is not null)
            .Select(key => (string.Create(CultureInfo.InvariantCulture, $"{_note}.publicKeys[{key.Index}]"), key.Item.Remote!.Name))]);
    }

    /// <summary>The attestor as this version has it.</summary>
    public string Write(StoredDocument document)
    {
        var attestor = JsonNode.Parse(document.ToJson())!.AsObject();
        var note = Detach(attestor);
        if (_note != GrafeasNote)
        {
            foreach (var key in (note?["publicKeys"] as JsonArray ?? []).OfType<JsonObject>())
            {
                (key["pkixPublicKey"] as JsonObject)?.Remove("keyId");
            }
        }

        attestor[_note] = note;
        return attestor.ToJsonString(RestJson.Relaxed);
    }

    /// <summary>What another version calls the note is an unknown field in this one.</summary>
    private void RefuseOtherVersion(RestBody body)
    {
        var other = _note == GrafeasNote ? DrydockNote : GrafeasNote;
        if (body.Root.Entries.FirstOrDefault(entry => entry.Key == other) is { } wrong)
        {
            body.Problems.Error(wrong.Mark, $"unknown field `{other}`", $"{_version} calls it {_note}");
        }
        else if (body.Find(_note) is null)
        {
            body.Problems.Missing(body.Root.Mark, _note, "write {noteReference: projects/<project>/notes/<note>}");
        }
    }

    private static string Write(JsonObject attestor, Attestor read)
    {
        var note = Detach(attestor)!;
        note.Remove("delegationServiceAccountEmail");
        foreach (var (index, key) in read.Keys.Index())
        {
            note["publicKeys"]![index]!["id"] = key.Id.ToString();
        }

        attestor[GrafeasNote] = note;
        return attestor.ToJsonString(RestJson.Relaxed);
    }

    /// <summary>Takes the note out of the document, under whichever of its names it stands.</summary>
    private static JsonObject? Detach(JsonObject attestor)
    {
        var note = attestor[GrafeasNote] as JsonObject ?? attestor[DrydockNote] as JsonObject;
        attestor.Remove(GrafeasNote);
        attestor.Remove(DrydockNote);
        return note;
    }
}
