namespace PolicyService.Core.Access;

/// <summary>One role for one member on one resource.</summary>
/// <param name="Member">To whom.</param>
/// <param name="Role">What.</param>
/// <param name="Resource">On what.</param>
/// <param name="Source">Where it stands: the access file, or the IAM policy of a resource.</param>
/// <param name="Entry">Which binding there, from 0.</param>
internal sealed record RoleGrant(string Member, Role Role, string Resource, string Source, int Entry)
{
    /// <summary>Whether it counts on the resource: there, or above it.</summary>
    public bool Covers(string resource) =>
        Resource == AccessResource.Everything || Resource == resource || (AccessResource.ProjectOf(resource) is { } project && project == Resource);

    public override string ToString() => $"{Role.Name} on {Resource} ({Place(Source, Entry)})";

    public static string Place(string source, int entry) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{(source == AccessGrant.OfFile ? "access file" : $"IAM policy of {source}")}, bindings[{entry}]");
}

/// <summary>All grants that give something, one by one.</summary>
internal static class GrantList
{
    public static IReadOnlyList<RoleGrant> Of(SeparationInput input)
    {
        var ofFile = from item in input.File.Bindings.Index()
                     let role = Roles.Find(item.Item.Role)
                     where role is not null
                     from member in item.Item.Members
                     where member.Grants
                     from resource in item.Item.Resources
                     select new RoleGrant(member.ToString(), role, resource, AccessGrant.OfFile, item.Index);
        var ofPolicies = from policy in input.Policies
                         from item in policy.Value.Bindings.Index()
                         let role = Roles.Find(item.Item.Role)
                         where role is not null && !item.Item.IsConditional
                         from text in item.Item.Members
                         let member = Member.TryParse(text, out var parsed, out _) ? parsed : default
                         where member.Grants
                         select new RoleGrant(member.ToString(), role, policy.Key, policy.Key, item.Index);
        return [.. ofFile, .. ofPolicies];
    }
}
