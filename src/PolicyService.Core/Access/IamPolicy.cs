using PolicyService.Core.Documents;

namespace PolicyService.Core.Access;

/// <summary>A binding of an IAM policy, as it was written.</summary>
/// <param name="Role">A role; one that is not known here grants nothing.</param>
/// <param name="Members">As they were written; one that does not parse grants nothing.</param>
/// <param name="IsConditional">It has a condition, so it grants nothing.</param>
public sealed record IamBinding(string Role, IReadOnlyList<string> Members, bool IsConditional);

/// <summary>An IAM policy of a project policy or of an attestor (GCLOUD_REST section 5).</summary>
/// <param name="Etag">Its bytes; null if it has none.</param>
/// <param name="Bindings">What it grants.</param>
public sealed record IamPolicy(byte[]? Etag, IReadOnlyList<IamBinding> Bindings);

/// <summary>Reads IAM policies: on their way in over the API, and as they are stored.</summary>
public static class IamPolicyParser
{
    /// <summary>Reads the fields of a policy. What is wrong goes into the reader's problems; then the policy must not be used.</summary>
    public static IamPolicy Read(MappingReader reader)
    {
        var etag = reader.Value<byte[]>("etag", ValueParsers.Bytes);
        if (reader.Take("version") is { } version and not ScalarNode { Quoted: false, Text: "0" or "1" or "3" })
        {
            reader.Problems.Error(version.Mark, $"`version` is {version.Kind}", "write 1, or 3 where bindings have conditions");
        }

        var bindings = reader.Mappings("bindings", ReadBinding);
        reader.End();
        var members = bindings.Sum(binding => binding.Members.Count);
        if (members > Limits.IamPolicyMembers || bindings.Count > Limits.IamPolicyMembers)
        {
            reader.Problems.Error(reader.MarkOf("bindings"), $"it has {bindings.Count} bindings with {members} members, more than {Limits.IamPolicyMembers}", "grant to groups");
        }

        return new IamPolicy(etag, bindings);
    }

    /// <summary>Reads a policy as the store has it.</summary>
    /// <param name="content">JSON.</param>
    /// <param name="problems">Receives what is wrong.</param>
    /// <returns>Null if it cannot be read: then it grants nothing.</returns>
    public static IamPolicy? Parse(ReadOnlyMemory<byte> content, ProblemList problems)
    {
        if (MappingReader.Of(DocumentText.ReadOne(content, problems), "the IAM policy", problems) is not { } reader)
        {
            return null;
        }

        var policy = Read(reader);
        return problems.HasErrors ? null : policy;
    }

    private static IamBinding ReadBinding(MappingReader reader)
    {
        var role = reader.Required<string>("role", ParseText, "write role: roles/<role>");
        var members = reader.Values<string>("members", ParseText);
        // Whatever a condition says, and however it is written: with one nothing is granted.
        var isConditional = reader.Node.Entries.Any(entry => entry.Key == "condition" && !entry.Value.IsNull);
        if (reader.Mapping("condition") is { } condition)
        {
            condition.Required<string>("expression", ParseText, "write the condition");
            condition.Text("title");
            condition.Text("description");
            condition.Text("location");
            condition.End();
        }

        return new IamBinding(role ?? "", members, isConditional);
    }

    private static bool ParseText(string text, out string value, out string problem)
    {
        (value, problem) = (text, $"write 1 to {Limits.LongStringBytes} characters");
        return text.Length is > 0 and <= Limits.LongStringBytes;
    }
}
