namespace PolicyService.Server.Access;

/// <summary>Names within a <c>principal://</c> member.</summary>
internal static class MemberText
{
    /// <summary>So that a slash within a name is none between names; and no two names become one.</summary>
    public static string Encode(string name) => name.Replace("%", "%25", StringComparison.Ordinal).Replace("/", "%2F", StringComparison.Ordinal);
}
