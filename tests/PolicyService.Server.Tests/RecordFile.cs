using System.Text.Json;

namespace PolicyService.Server.Tests;

/// <summary>A file of decision records as a reader finds it while the service writes it.</summary>
internal sealed class RecordFile(string path)
{
    public string Path => path;

    /// <summary>Everything written; the last line may be on its way.</summary>
    public string Text()
    {
        if (!File.Exists(path))
        {
            return "";
        }

        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(file);
        return reader.ReadToEnd();
    }

    /// <summary>The records; every line must be one whole JSON object.</summary>
    public IReadOnlyList<JsonElement> Records()
    {
        var text = Text();
        Assert.True(text.Length == 0 || text.EndsWith('\n'), "the last line is half");
        return [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonSerializer.Deserialize<JsonElement>(line))];
    }

    public bool Has(string decisionId) => Text().Contains($"\"decisionId\":\"{decisionId}\"", StringComparison.Ordinal);

    /// <summary>The record of a decision, which may be on its way.</summary>
    public async Task<JsonElement> Of(string decisionId)
    {
        await Eventually.Holds("the decision is recorded", () => Has(decisionId) && Text().EndsWith('\n'));
        return Records().Single(record => record.GetProperty("decisionId").GetString() == decisionId);
    }
}
