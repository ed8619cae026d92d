namespace PolicyService.Core.Access;

/// <summary>Who can both change what is required and make what is required.</summary>
internal static class DutyFindings
{
    private static readonly string[] ChangingAttestors = [Permissions.AttestorsCreate, Permissions.AttestorsUpdate, Permissions.AttestorsSetIam];

    /// <summary>
    /// What changes the requirement. An attestor's keys and its note are signing power: whoever adds a key signs with it. Who sets IAM policies
    /// can give the rest to anybody.
    /// </summary>
    private static readonly string[] Changing =
    [
        Permissions.PolicyUpdate, Permissions.PolicySetIam, Permissions.PlatformPoliciesCreate, Permissions.PlatformPoliciesReplace, Permissions.PlatformPoliciesDelete,
        .. ChangingAttestors,
    ];

    public static IEnumerable<SeparationFinding> Of(SeparationInput input, IReadOnlyList<RoleGrant> grants)
    {
        var projects = grants.Select(grant => AccessResource.ProjectOf(grant.Resource)?["projects/".Length..]).OfType<string>()
            .Concat(input.File.Evaluators.SelectMany(evaluator => evaluator.Projects))
            .Concat(input.ClusterProjects?.Values ?? [])
            .Concat(input.Projects?.Keys ?? [])
            .Append(AccessResource.Everything).Distinct(StringComparer.Ordinal).ToArray();
        var members = grants.Select(grant => grant.Member).Concat(input.File.Evaluators.SelectMany(evaluator => evaluator.Members).Where(member => member.Grants).Select(member => member.ToString()))
            .Where(member => !Member.IsReserved(member)).Distinct(StringComparer.Ordinal);
        var byMember = grants.ToLookup(grant => grant.Member, StringComparer.Ordinal);
        foreach (var member in members)
        {
            var everywhere = Find(AccessResource.Everything);
            foreach (var finding in everywhere is not null ? [everywhere] : projects.Select(Find))
            {
                if (finding is not null)
                {
                    yield return finding;
                }
            }

            SeparationFinding? Find(string project) => InProject(input, byMember, member, project);
        }
    }

    /// <summary>In one project; <c>*</c>: in every one, those that nothing names included.</summary>
    private static SeparationFinding? InProject(SeparationInput input, ILookup<string, RoleGrant> byMember, string member, string project)
    {
        // What everybody has each has; but then something of it has to be the member's own.
        string[] names = member == Member.AllAuthenticatedUsers ? [member] : [member, Member.AllAuthenticatedUsers];
        var all = names.SelectMany(name => byMember[name]).ToArray();
        // An attestor that its policy needs, and the note of one, may be another project's.
        var links = input.Projects?.GetValueOrDefault(project) ?? ProjectLinks.None;
        var changing = all.Where(grant => (IsIn(grant, project) && Changing.Any(grant.Role.Permissions.Contains))
            || (links.Attestors.Any(other => IsIn(grant, other)) && ChangingAttestors.Any(grant.Role.Permissions.Contains))).ToArray();
        var attaching = all.Where(grant => (IsIn(grant, project) || links.Notes.Any(other => IsIn(grant, other))) && grant.Role.Permissions.Contains(Permissions.NotesAttach)).ToArray();
        // An occurrence may lie in another project than the note it is attached to.
        var creating = all.Where(grant => grant.Role.Permissions.Contains(Permissions.OccurrencesCreate)).ToArray();
        var inline = input.File.Evaluators.Where(evaluator =>
            evaluator.Rights.HasFlag(EvaluatorRights.InlineAttestations) && evaluator.Members.Any(one => names.Contains(one.ToString())) && Decides(input, evaluator, project)).ToArray();
        var signs = attaching.Length > 0 && creating.Length > 0;
        if (changing.Length == 0 || (!signs && inline.Length == 0))
        {
            return null;
        }

        string[] used =
        [
            .. changing.Concat(signs ? attaching.Concat(creating) : []).Distinct().Select(grant => $"{(grant.Member == member ? "" : $"{grant.Member}: ")}{grant}"),
            .. inline.Select(evaluator => FormattableString.Invariant($"INLINE_ATTESTATIONS (access file, evaluators[{evaluator.Index}])")),
        ];
        var isOwn = member == Member.AllAuthenticatedUsers || changing.Concat(signs ? attaching.Concat(creating) : []).Any(grant => grant.Member == member)
            || inline.Any(evaluator => evaluator.Members.Any(one => one.ToString() == member));
        return isOwn
            ? new SeparationFinding(
                SeparationKind.ChangesAndSigns,
                member,
                project,
                $"can change what is required {(project == AccessResource.Everything ? "in every project" : $"in project {project}")} and {(signs ? "sign" : "bring attestations of its own")}",
                "give one of the two to somebody else",
                used)
            : null;
    }

    private static bool IsIn(RoleGrant grant, string project) =>
        grant.Resource == AccessResource.Everything || (project != AccessResource.Everything && AccessResource.ProjectOf(grant.Resource) == $"projects/{project}");

    /// <summary>Whether its requests can be decided by the policy of the project.</summary>
    private static bool Decides(SeparationInput input, EvaluatorGrant evaluator, string project)
    {
        if (evaluator.Projects.Contains(AccessResource.Everything) || evaluator.Projects.Contains(project))
        {
            return true;
        }

        if (input is { ClusterProjects: null, Projects: null })
        {
            // Nothing says whose its clusters are: they may be anybody's.
            return true;
        }

        var known = input.ClusterProjects ?? new Dictionary<string, string>();
        // Where there is one project only, it decides about clusters that nothing lists.
        var otherwise = known.GetValueOrDefault(AccessResource.Everything) ?? (input.Projects is { Count: 1 } only ? only.Keys.First() : null);
        return project != AccessResource.Everything && evaluator.Clusters.Any(cluster => cluster == AccessResource.Everything
            ? known.Values.Append(otherwise).Contains(project)
            : (known.GetValueOrDefault(cluster) ?? otherwise) == project);
    }
}
