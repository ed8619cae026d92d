namespace PolicyService.Core.Access;

/// <summary>Grants to everybody, or on everything.</summary>
internal static class WidthFindings
{
    public static IEnumerable<SeparationFinding> Of(SeparationInput input, IReadOnlyList<RoleGrant> grants)
    {
        foreach (var grant in grants)
        {
            // A project's policy may use an attestor: that is no caller's power.
            if (grant.Resource == AccessResource.Everything)
            {
                yield return Wide(grant.Member, AccessResource.Everything, $"has {grant.Role.Name} on everything", "name the projects", grant.ToString());
            }

            if (grant.Member == Member.AllAuthenticatedUsers)
            {
                yield return Wide(
                    grant.Member, AccessResource.ProjectOf(grant.Resource)?["projects/".Length..] ?? "", $"everybody who can authenticate has {grant.Role.Name} on {grant.Resource}", "name whom it is for", grant.ToString());
            }
        }

        foreach (var evaluator in input.File.Evaluators)
        {
            var place = FormattableString.Invariant($"access file, evaluators[{evaluator.Index}]");
            var everywhere = evaluator.Clusters.Contains(AccessResource.Everything);
            foreach (var member in evaluator.Members.Where(member => member.Grants).Select(member => member.ToString()))
            {
                if (everywhere)
                {
                    yield return evaluator.Rights.HasFlag(EvaluatorRights.BreakGlass)
                        ? Wide(member, AccessResource.Everything, "may break the glass of every cluster", "name the clusters", place)
                        : Wide(member, AccessResource.Everything, "may ask about every cluster", "name the clusters", place);
                }

                if (member == Member.AllAuthenticatedUsers)
                {
                    yield return Wide(member, "", $"everybody who can authenticate may ask about {string.Join(", ", evaluator.Clusters)}", "name who asks", place);
                }
            }
        }
    }

    private static SeparationFinding Wide(string member, string project, string text, string remedy, string grant) =>
        new(SeparationKind.Wide, member, project, text, remedy, [grant]);
}
