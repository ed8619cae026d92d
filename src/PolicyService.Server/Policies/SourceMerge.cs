using PolicyService.Core.Documents;
using PolicyService.Core.Policies;

namespace PolicyService.Server.Policies;

/// <summary>
/// Joins the documents of several sources. A project comes from one of them: which of two was meant cannot be known, so where both have
/// documents of a project neither counts, and it has no policy (SEMANTICS sections 5 and 9; <c>docs/decisions</c>). Attestations count by
/// their note, wherever they are.
/// </summary>
internal static class SourceMerge
{
    public static (DocumentSet Documents, IReadOnlyList<DocumentProblem> Problems) Of(IReadOnlyList<SourceReading> readings)
    {
        if (readings is [var only])
        {
            return (only.Documents, only.Problems);
        }

        List<DocumentProblem> problems = [.. readings.SelectMany(reading => reading.Problems)];
        var sets = readings.Select(reading => reading.Documents).ToArray();
        return (new DocumentSet
        {
            Projects = [.. sets.SelectMany(set => set.Projects).GroupBy(project => project.Id, StringComparer.Ordinal).Select(group => OneOf([.. group], problems))],
            SystemPolicy = OnlyOne(sets, set => set.SystemPolicy is not null, "system-policy", problems)?.SystemPolicy,
            Clusters = OnlyOne(sets, HasClusters, "clusters", problems)?.Clusters,
            ClustersRefused = sets.Any(set => set.ClustersRefused) || sets.Count(HasClusters) > 1,
        }, problems);
    }

    private static bool HasClusters(DocumentSet set) => set.Clusters is not null || set.ClustersRefused;

    private static ProjectDocuments OneOf(ProjectDocuments[] sameId, List<DocumentProblem> problems)
    {
        if (sameId is [var only])
        {
            return only;
        }

        // The project stays known, without a policy: were it forgotten, a request that names no project could be judged by another's.
        problems.Add(Twice($"projects/{sameId[0].Id}", $"project `{Shown.Value(sameId[0].Id)}` stands in the directory and in the store; neither counts"));
        return new ProjectDocuments { Id = sameId[0].Id, Attestations = [.. sameId.SelectMany(project => project.Attestations)] };
    }

    private static DocumentSet? OnlyOne(DocumentSet[] sets, Func<DocumentSet, bool> has, string what, List<DocumentProblem> problems)
    {
        var having = sets.Where(has).ToArray();
        if (having.Length > 1)
        {
            problems.Add(Twice(what, $"{what} stands in the directory and in the store; neither counts"));
        }

        return having is [var only] ? only : null;
    }

    private static DocumentProblem Twice(string place, string message) =>
        new(place, new Mark(1, 1), message, "delete it in one of the two", ProblemSeverity.Error);
}
