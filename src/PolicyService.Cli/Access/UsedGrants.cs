using System.Text.Json;
using PolicyService.Core.Access;

namespace PolicyService.Cli.Access;

/// <summary>Which grants the records of the service tell of: its lines of kind ACCESS_USED, and decisions with caller and cluster.</summary>
internal sealed class UsedGrants(AccessFile access)
{
    private readonly HashSet<AccessUse> _uses = [];

    public IReadOnlySet<AccessUse> Uses => _uses;

    /// <summary>Lines that are no records: a file that was cut, or another one than was meant.</summary>
    public int Unreadable { get; private set; }

    /// <summary>Records seen.</summary>
    public int Records { get; private set; }

    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">As before.</exception>
    public void Read(string file)
    {
        foreach (var line in File.ReadLines(file))
        {
            if (line.Length > 0 && !TryRead(line))
            {
                Unreadable++;
            }
        }
    }

    private bool TryRead(string line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            var record = document.RootElement;
            if (record.ValueKind is not JsonValueKind.Object)
            {
                return false;
            }

            Records++;
            if (Text(record, "kind") == "ACCESS_USED")
            {
                _uses.Add(new AccessUse(Text(record, "member"), Text(record, "role"), Text(record, "resource")));
            }
            else if (Text(record, "decisionId").Length > 0)
            {
                AddDecision(Text(record, "caller"), Text(record, "cluster"));
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private void AddDecision(string caller, string cluster)
    {
        foreach (var evaluator in access.Evaluators.Where(evaluator => evaluator.Members.Any(member => member.ToString() == caller)))
        {
            foreach (var named in evaluator.Clusters.Where(named => named == cluster || named == AccessResource.Everything))
            {
                _uses.Add(new AccessUse(caller, FormattableString.Invariant($"evaluators[{evaluator.Index}]"), named));
            }
        }
    }

    private static string Text(JsonElement record, string name) =>
        record.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString()! : "";
}
