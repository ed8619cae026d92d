using System.Collections.Frozen;
using System.Globalization;
using PolicyService.Core.Policies;

namespace PolicyService.Core.Access;

/// <summary>
/// Who may do what: one version of the access file and of the IAM policies, compiled and immutable. A question costs a few look-ups for each
/// member of the caller, however many bindings there are.
/// </summary>
public sealed class AccessRules
{
    private const string Any = "*";

    private readonly FrozenDictionary<(string Member, string Resource), Role[]> _bindings;
    private readonly FrozenDictionary<(string Member, string Cluster), EvaluatorGrant[]> _evaluators;
    private readonly IReadOnlyDictionary<string, CompiledIamPolicy> _policies;

    private AccessRules(
        AccessFile file,
        FrozenDictionary<(string, string), Role[]> bindings,
        FrozenDictionary<(string, string), EvaluatorGrant[]> evaluators,
        IReadOnlyDictionary<string, CompiledIamPolicy> policies) =>
        (File, _bindings, _evaluators, _policies) = (file, bindings, evaluators, policies);

    /// <summary>Nobody may do anything.</summary>
    public static AccessRules Nothing { get; } = Build(AccessFile.Empty, FrozenDictionary<string, CompiledIamPolicy>.Empty);

    /// <summary>The file they were made of.</summary>
    public AccessFile File { get; }

    /// <summary>The IAM policies they were made of, by the resource each is of.</summary>
    public IReadOnlyDictionary<string, CompiledIamPolicy> Policies => _policies;

    /// <param name="file">The access file.</param>
    /// <param name="policies">By the resource each is of. Not to be changed afterwards.</param>
    public static AccessRules Build(AccessFile file, IReadOnlyDictionary<string, CompiledIamPolicy> policies)
    {
        var bindings = from binding in file.Bindings
                       let role = Roles.Find(binding.Role)
                       where role is not null
                       from member in binding.Members
                       where member.Grants
                       from resource in binding.Resources
                       group role by (member.ToString(), resource);
        var evaluators = from evaluator in file.Evaluators
                         from member in evaluator.Members
                         where member.Grants
                         from cluster in evaluator.Clusters
                         group evaluator by (member.ToString(), cluster);
        return new AccessRules(
            file,
            bindings.ToFrozenDictionary(group => group.Key, group => group.Distinct().ToArray()),
            evaluators.ToFrozenDictionary(group => group.Key, group => group.Distinct().ToArray()),
            policies);
    }

    /// <summary>The same file with other IAM policies.</summary>
    public AccessRules With(IReadOnlyDictionary<string, CompiledIamPolicy> policies) => new(File, _bindings, _evaluators, policies);

    /// <summary>Whether a caller may do something to a resource.</summary>
    /// <param name="members">Everything bindings may call the caller; that it has authenticated is implied.</param>
    /// <param name="permission">One of <see cref="Permissions"/>.</param>
    /// <param name="resource">The name of the resource, whether it exists or not.</param>
    public bool Allows(IReadOnlyList<string> members, string permission, string resource) => Find(members, permission, resource) is not null;

    /// <summary>The grant that allows it; null: none does.</summary>
    public AccessGrant? Find(IReadOnlyList<string> members, string permission, string resource)
    {
        // Whoever has shown nothing has not authenticated.
        var grant = members.Count == 0 ? null : Of(Member.AllAuthenticatedUsers, permission, resource);
        for (var index = 0; grant is null && index < members.Count; index++)
        {
            // Whatever authentication made of a token: no caller is a project.
            grant = Member.IsReserved(members[index]) ? null : Of(members[index], permission, resource);
        }

        return grant;
    }

    /// <summary>
    /// Whether the policy of a project may use an attestor: its own, or one that is granted to it. What every caller may do says nothing of
    /// projects, which are no callers.
    /// </summary>
    public bool MayUseAttestor(string project, AttestorName attestor) =>
        attestor.Project == project || Of(Member.OfProject(project), Permissions.AttestorsVerify, attestor.ToString()) is not null;

    /// <summary>What a caller may ask about a cluster.</summary>
    /// <param name="members">Who asks.</param>
    /// <param name="cluster">The cluster of the request.</param>
    /// <param name="project">The project the request names; empty: none, or it is settled whose the cluster is.</param>
    /// <param name="isImplied">
    /// The request does not name it: it is the only one there is. An entry with projects counts for those alone, as if one had been named.
    /// </param>
    public EvaluatorAccess Evaluator(IReadOnlyList<string> members, string cluster, string project, bool isImplied = false)
    {
        var found = EvaluatorAccess.None;
        if (members.Count > 0)
        {
            Add(Member.AllAuthenticatedUsers);
        }

        foreach (var member in members.Where(member => !Member.IsReserved(member)))
        {
            Add(member);
        }

        return found;

        void Add(string member)
        {
            foreach (var named in (ReadOnlySpan<string>)[cluster, Any])
            {
                foreach (var grant in _evaluators.GetValueOrDefault((member, named)) ?? [])
                {
                    var covers = project.Length == 0 || (isImplied && grant.Projects.Count == 0)
                        || grant.Projects.Contains(project, StringComparer.Ordinal) || grant.Projects.Contains(Any, StringComparer.Ordinal);
                    found = !covers ? found with { MayAsk = true } : new EvaluatorAccess(
                        true, true, found.Rights | grant.Rights,
                        [.. found.Grants, new AccessGrant(member, string.Create(CultureInfo.InvariantCulture, $"evaluators[{grant.Index}]"), named, AccessGrant.OfFile)]);
                }
            }
        }
    }

    private AccessGrant? Of(string member, string permission, string resource)
    {
        if (Grants(member, AccessResource.Everything) is { } everywhere)
        {
            return new AccessGrant(member, everywhere.Name, AccessResource.Everything, AccessGrant.OfFile);
        }

        if (AccessResource.ProjectOf(resource) is { } project && Grants(member, project) is { } below)
        {
            return new AccessGrant(member, below.Name, project, AccessGrant.OfFile);
        }

        if (Grants(member, resource) is { } here)
        {
            return new AccessGrant(member, here.Name, resource, AccessGrant.OfFile);
        }

        return _policies.GetValueOrDefault(resource)?.Find(member, permission) is { } role ? new AccessGrant(member, role.Name, resource, resource) : null;

        Role? Grants(string grantee, string on) =>
            _bindings.GetValueOrDefault((grantee, on)) is { } roles ? Array.Find(roles, role => role.Permissions.Contains(permission)) : null;
    }
}

/// <summary>What one IAM policy grants on its resource.</summary>
public sealed class CompiledIamPolicy
{
    private readonly FrozenDictionary<string, Role[]> _roles;

    private CompiledIamPolicy(IamPolicy policy, FrozenDictionary<string, Role[]> roles) => (Policy, _roles) = (policy, roles);

    /// <summary>As it was written.</summary>
    public IamPolicy Policy { get; }

    public static CompiledIamPolicy Compile(IamPolicy policy)
    {
        var grants = from binding in policy.Bindings
                     where !binding.IsConditional
                     let role = Roles.Find(binding.Role)
                     where role is not null
                     from text in binding.Members
                     let member = Member.TryParse(text, out var parsed, out _) ? parsed : default
                     where member.Grants
                     group role by member.ToString();
        return new CompiledIamPolicy(policy, grants.ToFrozenDictionary(group => group.Key, group => group.Distinct().ToArray(), StringComparer.Ordinal));
    }

    internal Role? Find(string member, string permission) =>
        _roles.GetValueOrDefault(member) is { } roles ? Array.Find(roles, role => role.Permissions.Contains(permission)) : null;
}
