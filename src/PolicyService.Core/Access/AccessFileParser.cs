using PolicyService.Core.Documents;
using PolicyService.Core.Policies;

namespace PolicyService.Core.Access;

/// <summary>Reads the access file (docs/access.md). A role or a kind of member it does not know is a warning: such a binding is kept and grants nothing.</summary>
public static class AccessFileParser
{
    private const string Any = "*";

    /// <summary>Reads the bytes of the file.</summary>
    /// <param name="content">YAML or JSON.</param>
    /// <param name="problems">Receives every problem.</param>
    /// <returns>Null if there is an error.</returns>
    public static AccessFile? Parse(ReadOnlyMemory<byte> content, ProblemList problems) =>
        DocumentText.ReadOne(content, problems) is { } node ? Parse(node, problems) : null;

    public static AccessFile? Parse(DocumentNode node, ProblemList problems)
    {
        if (node is ScalarNode { IsNull: false })
        {
            // Not the text itself: a file that is nothing but a text may be a password, named where this file belongs.
            problems.Error(node.Mark, "the access file is one value", "write a mapping of fields");
            return null;
        }

        if (MappingReader.Of(node, "the access file", problems) is not { } reader)
        {
            return null;
        }

        var bindings = reader.Mappings("bindings", ReadBinding);
        var evaluators = reader.Mappings("evaluators", ReadEvaluator);
        var issuers = IssuerParser.Read(reader);
        var (defaults, callers) = LimitsParser.Read(reader);
        reader.End();
        var grants = bindings.Sum(binding => (long)binding.Members.Count * binding.Resources.Count)
            + evaluators.Sum(evaluator => (long)evaluator.Members.Count * evaluator.Clusters.Count);
        if (grants > Limits.AccessGrants)
        {
            problems.Error(node.Mark, $"it grants {grants} times something to somebody, more than {Limits.AccessGrants}", "grant to groups, or on whole projects");
        }

        return problems.HasErrors ? null : new AccessFile
        {
            Bindings = bindings,
            Evaluators = [.. evaluators.Select((evaluator, index) => evaluator with { Index = index })],
            Issuers = issuers,
            DefaultLimits = defaults,
            LimitedCallers = callers,
        };
    }

    /// <summary>The members of an entry; there must be one.</summary>
    internal static IReadOnlyList<Member> Members(MappingReader reader)
    {
        var members = new List<Member>();
        foreach (var item in Some(reader, "members", "name whom it is for"))
        {
            if (reader.Parse<Member>(item, "members", Member.TryParse, out var member))
            {
                members.Add(member);
                if (!member.Grants)
                {
                    reader.Problems.Warn(item.Mark, $"the member `{Shown.Value(member.ToString())}` is of no kind that is known here, so it is granted nothing", "see the table of members in docs/access.md");
                }
            }
        }

        return members;
    }

    private static RoleBinding ReadBinding(MappingReader reader)
    {
        var role = reader.Required<string>("role", ParseRole, "write role: roles/<role>") ?? "";
        if (role.Length > 0 && Roles.Find(role) is null)
        {
            reader.Problems.Warn(reader.MarkOf("role"), $"the role `{Shown.Value(role)}` is not known here, so it grants nothing", "see docs/permissions.md for the roles there are");
        }

        var members = Members(reader);
        var resources = List<string>(reader, "resources", "name what it is on: projects/<project>, a resource in one, or \"*\"", AccessResource.Parse);
        return new RoleBinding(role, members, resources);
    }

    private static EvaluatorGrant ReadEvaluator(MappingReader reader)
    {
        var members = Members(reader);
        if (members.Any(member => member.Kind is MemberKind.Project))
        {
            reader.Problems.Error(reader.MarkOf("members"), "a project's policy is among the members, and no caller is ever that", "name who asks");
        }

        var clusters = List<string>(reader, "clusters", "name the clusters it may ask about, or \"*\"", ParseCluster);
        var projects = reader.Values<string>("projects", ParseProject);
        var rights = reader.Values<EvaluatorRights>("may", ParseRight);
        return new EvaluatorGrant(members, clusters, projects, rights.Aggregate(EvaluatorRights.None, (all, one) => all | one));
    }

    private static List<T> List<T>(MappingReader reader, string key, string remedy, ValueParser<T> parse)
    {
        var values = new List<T>();
        foreach (var item in Some(reader, key, remedy))
        {
            if (reader.Parse(item, key, parse, out var value))
            {
                values.Add(value);
            }
        }

        return values;
    }

    /// <summary>A list with something in it: an empty one is nobody's intention.</summary>
    private static IReadOnlyList<DocumentNode> Some(MappingReader reader, string key, string remedy)
    {
        var isGiven = reader.Node.Entries.Any(entry => entry.Key == key && entry.Value is not SequenceNode { Items.Count: 0 } && !entry.Value.IsNull);
        var items = reader.Sequence(key);
        if (!isGiven)
        {
            reader.Problems.Missing(reader.Node.Mark, key, remedy);
        }

        return items;
    }

    private static bool ParseRole(string text, out string role, out string problem)
    {
        (role, problem) = (text, "write roles/<role>");
        return text.StartsWith("roles/", StringComparison.Ordinal) && text.Length is > 6 and <= Limits.LongStringBytes;
    }

    private static bool ParseCluster(string text, out string cluster, out string problem)
    {
        (cluster, problem) = (text, "write location.clusterId, or \"*\" for every cluster");
        return text == Any || WorkloadNames.IsCluster(text);
    }

    private static bool ParseProject(string text, out string project, out string problem)
    {
        (project, problem) = (text, "write a project id, or \"*\" for every project");
        return text == Any || ResourceNames.IsProject(text);
    }

    private static bool ParseRight(string text, out EvaluatorRights right, out string problem)
    {
        problem = "write BREAK_GLASS, INLINE_ATTESTATIONS, WORKLOAD or PREVIEW";
        right = text switch
        {
            "BREAK_GLASS" => EvaluatorRights.BreakGlass,
            "INLINE_ATTESTATIONS" => EvaluatorRights.InlineAttestations,
            "WORKLOAD" => EvaluatorRights.Workload,
            "PREVIEW" => EvaluatorRights.Preview,
            _ => EvaluatorRights.None,
        };
        return right is not EvaluatorRights.None;
    }
}
