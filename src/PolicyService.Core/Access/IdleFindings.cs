namespace PolicyService.Core.Access;

/// <summary>Grants that give nothing, that another one includes, or that nobody used.</summary>
internal static class IdleFindings
{
    public static IEnumerable<SeparationFinding> Of(SeparationInput input, IReadOnlyList<RoleGrant> grants) =>
        [.. NothingOfFile(input), .. NothingOfPolicies(input), .. NothingOfEvaluators(input), .. Redundant(grants), .. Unused(input, grants)];

    private static IEnumerable<SeparationFinding> NothingOfFile(SeparationInput input)
    {
        foreach (var (index, binding) in input.File.Bindings.Index())
        {
            var place = $"{binding.Role} ({RoleGrant.Place(AccessGrant.OfFile, index)})";
            foreach (var finding in Nothing(binding.Role, isConditional: false, [.. binding.Members.Select(member => (member.ToString(), member.Grants))], "", place))
            {
                yield return finding;
            }
        }
    }

    private static IEnumerable<SeparationFinding> NothingOfPolicies(SeparationInput input)
    {
        foreach (var (resource, policy) in input.Policies)
        {
            foreach (var (index, binding) in policy.Bindings.Index())
            {
                var members = binding.Members.Select(text => (text, Member.TryParse(text, out var member, out _) && member.Grants)).ToArray();
                var project = AccessResource.ProjectOf(resource)?["projects/".Length..] ?? "";
                foreach (var finding in Nothing(binding.Role, binding.IsConditional, members, project, $"{binding.Role} ({RoleGrant.Place(resource, index)})"))
                {
                    yield return finding;
                }
            }
        }
    }

    private static IEnumerable<SeparationFinding> Nothing(string role, bool isConditional, IReadOnlyList<(string Text, bool Grants)> members, string project, string place)
    {
        foreach (var (member, grants) in members)
        {
            var why = isConditional ? "the binding has a condition"
                : Roles.Find(role) is null ? $"the role {role} is not known here"
                : !grants ? "this kind of member is not known here"
                : null;
            if (why is not null)
            {
                yield return new SeparationFinding(SeparationKind.GrantsNothing, member, project, $"is granted nothing, because {why}", "write a binding that grants, or delete it", [place]);
            }
        }
    }

    private static IEnumerable<SeparationFinding> NothingOfEvaluators(SeparationInput input)
    {
        foreach (var evaluator in input.File.Evaluators)
        {
            var place = FormattableString.Invariant($"access file, evaluators[{evaluator.Index}]");
            foreach (var member in evaluator.Members)
            {
                if (!member.Grants)
                {
                    yield return new SeparationFinding(
                        SeparationKind.GrantsNothing, member.ToString(), "", "is granted nothing, because this kind of member is not known here", "see the table of members in docs/access.md", [place]);
                }

                foreach (var cluster in evaluator.Clusters.Where(cluster => cluster != AccessResource.Everything && input.ClusterProjects is { } known
                    && !known.ContainsKey(cluster) && !known.ContainsKey(AccessResource.Everything)))
                {
                    yield return new SeparationFinding(
                        SeparationKind.GrantsNothing, member.ToString(), "", $"may ask about {cluster}, which clusters.yaml does not know", "mend the name, or add the cluster", [place]);
                }
            }
        }
    }

    private static IEnumerable<SeparationFinding> Redundant(IReadOnlyList<RoleGrant> grants)
    {
        foreach (var group in grants.GroupBy(grant => grant.Member, StringComparer.Ordinal))
        {
            var own = group.ToArray();
            for (var index = 0; index < own.Length; index++)
            {
                var grant = own[index];
                // Of two that are alike the first stays.
                var larger = own.Where((other, place) => place != index && other.Covers(grant.Resource) && grant.Role.Permissions.IsSubsetOf(other.Role.Permissions)
                    && (place < index || !grant.Covers(other.Resource) || !other.Role.Permissions.IsSubsetOf(grant.Role.Permissions))).FirstOrDefault();
                if (larger is not null)
                {
                    yield return new SeparationFinding(
                        SeparationKind.Redundant,
                        grant.Member,
                        AccessResource.ProjectOf(grant.Resource)?["projects/".Length..] ?? "",
                        $"has {grant.Role.Name} on {grant.Resource}, which {larger.Role.Name} on {larger.Resource} includes",
                        "delete the narrower one, or the wider one if it is not meant",
                        [grant.ToString(), larger.ToString()]);
                }
            }
        }
    }

    private static IEnumerable<SeparationFinding> Unused(SeparationInput input, IReadOnlyList<RoleGrant> grants)
    {
        if (input.Uses is not { } uses)
        {
            yield break;
        }

        // What projects use is no request of anybody, and leaves no record.
        foreach (var grant in grants.Where(grant => !Member.IsReserved(grant.Member) && !uses.Contains(new AccessUse(grant.Member, grant.Role.Name, grant.Resource))))
        {
            yield return new SeparationFinding(
                SeparationKind.Unused, grant.Member, AccessResource.ProjectOf(grant.Resource)?["projects/".Length..] ?? "",
                $"did not use {grant.Role.Name} on {grant.Resource}", "delete it if the records cover the time in which it is needed", [grant.ToString()]);
        }

        foreach (var evaluator in input.File.Evaluators)
        {
            var name = FormattableString.Invariant($"evaluators[{evaluator.Index}]");
            foreach (var member in evaluator.Members.Where(member => member.Grants))
            {
                foreach (var cluster in evaluator.Clusters.Where(cluster => !uses.Contains(new AccessUse(member.ToString(), name, cluster))))
                {
                    yield return new SeparationFinding(
                        SeparationKind.Unused, member.ToString(), "", $"did not ask about {(cluster == AccessResource.Everything ? "any cluster" : cluster)}", "delete it if the records cover the time in which it is needed", [$"access file, {name}"]);
                }
            }
        }
    }
}
