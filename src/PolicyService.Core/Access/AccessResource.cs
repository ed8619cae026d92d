using PolicyService.Core.Policies;

namespace PolicyService.Core.Access;

/// <summary>Names of what access is granted on.</summary>
public static class AccessResource
{
    /// <summary>Everything: every project, and what belongs to none.</summary>
    public const string Everything = "*";

    /// <summary>The service itself: its metrics.</summary>
    public const string Service = "service";

    /// <summary>The system policy, whatever location a request names.</summary>
    public const string SystemPolicy = "locations/global/policy";

    private const string ProjectPrefix = "projects/";

    /// <summary>Whether bindings of the access file may name it.</summary>
    public static bool Parse(string text, out string resource, out string problem)
    {
        (resource, problem) = (text, "write \"*\", projects/<project>, or the name of a policy, attestor, note or platform policy in it");
        return text is Everything or Service or SystemPolicy || (text.Split('/') is ["projects", var project, .. var rest] && ResourceNames.IsProject(project) && rest switch
        {
            [] or ["policy"] or ["continuousValidationConfig"] => true,
            ["attestors" or "notes" or "occurrences", var id] => ResourceNames.IsId(id),
            ["platforms", "gke" or "cloudRun"] => true,
            ["platforms", "gke" or "cloudRun", "policies", var id] => ResourceNames.IsId(id),
            _ => false,
        });
    }

    /// <summary><c>projects/P</c> of what lies in a project, itself included; null for what lies in none.</summary>
    public static string? ProjectOf(string resource)
    {
        if (!resource.StartsWith(ProjectPrefix, StringComparison.Ordinal))
        {
            return null;
        }

        // Up to the slash: what a name begins with is not what it lies in.
        var end = resource.IndexOf('/', ProjectPrefix.Length);
        return end < 0 ? resource : resource[..end];
    }
}
