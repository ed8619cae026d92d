using System.Text;

namespace PolicyService.Core.Access;

/// <summary>What kind of caller a member names (docs/access.md).</summary>
public enum MemberKind
{
    /// <summary>None of those below: it is kept and grants nothing.</summary>
    Unknown,

    /// <summary><c>principal://…</c>: the subject of a token or a certificate.</summary>
    Principal,

    /// <summary><c>user:address</c>.</summary>
    User,

    /// <summary><c>serviceAccount:address</c>.</summary>
    ServiceAccount,

    /// <summary><c>group:name</c>.</summary>
    Group,

    /// <summary><c>allAuthenticatedUsers</c>.</summary>
    AllAuthenticated,

    /// <summary><c>principal://policyservice/projects/P</c>: the policy of a project. No caller is ever this.</summary>
    Project,
}

/// <summary>A member of a binding in its one spelling, so that comparing texts compares members. The default value names nobody.</summary>
public readonly record struct Member
{
    /// <summary>Every caller that has authenticated.</summary>
    public const string AllAuthenticatedUsers = "allAuthenticatedUsers";

    private const string PrincipalScheme = "principal://";
    private const string OwnAuthority = "policyservice";
    private const string ProjectPrefix = $"{PrincipalScheme}{OwnAuthority}/projects/";
    private const string UserPrefix = "user:";
    private const string ServiceAccountPrefix = "serviceAccount:";
    private const string GroupPrefix = "group:";

    private readonly string? _text;

    private Member(string text, MemberKind kind) => (_text, Kind) = (text, kind);

    public MemberKind Kind { get; }

    /// <summary>Whether a binding to it can ever grant something.</summary>
    public bool Grants => Kind is not MemberKind.Unknown;

    /// <summary>Reads a member as bindings write it.</summary>
    /// <param name="text">As written.</param>
    /// <param name="member">The member; one of an unknown kind parses too, and grants nothing.</param>
    /// <param name="problem">What is wrong with it.</param>
    /// <returns>False if it is empty or too long, or of a known kind and malformed.</returns>
    public static bool TryParse(string text, out Member member, out string problem)
    {
        problem = "write user:<address>, serviceAccount:<address>, group:<name>, principal://… or allAuthenticatedUsers";
        member = default;
        if (text.Length is 0 or > Limits.LongStringBytes || Encoding.UTF8.GetByteCount(text) > Limits.LongStringBytes)
        {
            return false;
        }

        var kind = KindOf(text);
        var valid = kind switch
        {
            MemberKind.User => IsAddress(text.AsSpan(UserPrefix.Length)),
            MemberKind.ServiceAccount => IsAddress(text.AsSpan(ServiceAccountPrefix.Length)),
            MemberKind.Group => text.Length > GroupPrefix.Length,
            MemberKind.Project => Policies.ResourceNames.IsProject(text.AsSpan(ProjectPrefix.Length)),
            MemberKind.Principal => IsPrincipal(text.AsSpan(PrincipalScheme.Length)),
            _ => true,
        };
        if (valid)
        {
            member = new Member(kind is MemberKind.User or MemberKind.ServiceAccount ? AsciiLower(text, text.IndexOf(':', StringComparison.Ordinal) + 1) : text, kind);
        }

        return valid;
    }

    /// <summary>The policy of a project, as a user of attestors.</summary>
    public static string OfProject(string project) => ProjectPrefix + project;

    /// <summary>The member of a person's address.</summary>
    public static string OfUser(string address) => UserPrefix + AsciiLower(address, 0);

    /// <summary>The member of a service account's address.</summary>
    public static string OfServiceAccount(string address) => ServiceAccountPrefix + AsciiLower(address, 0);

    /// <summary>The member of a group.</summary>
    public static string OfGroup(string name) => GroupPrefix + name;

    /// <summary>The member of a subject; <c>/</c> and <c>%</c> in it are percent-encoded, so that no subject can look like another authority's.</summary>
    /// <param name="authority">All that comes before the subject: <c>issuer/subject</c>, or <c>x509</c>.</param>
    /// <param name="subject">As the token or certificate has it.</param>
    public static string OfSubject(string authority, string subject) =>
        $"{PrincipalScheme}{authority}/{subject.Replace("%", "%25", StringComparison.Ordinal).Replace("/", "%2F", StringComparison.Ordinal)}";

    /// <summary>Whether a text claims to be a member only this service makes: a caller that brings one is none.</summary>
    public static bool IsReserved(string member) => member.StartsWith($"{PrincipalScheme}{OwnAuthority}/", StringComparison.Ordinal);

    public override string ToString() => _text ?? "";

    private static MemberKind KindOf(string text) => text switch
    {
        AllAuthenticatedUsers => MemberKind.AllAuthenticated,
        _ when text.StartsWith(ProjectPrefix, StringComparison.Ordinal) => MemberKind.Project,
        _ when text.StartsWith(PrincipalScheme, StringComparison.Ordinal) => MemberKind.Principal,
        _ when text.StartsWith(UserPrefix, StringComparison.Ordinal) => MemberKind.User,
        _ when text.StartsWith(ServiceAccountPrefix, StringComparison.Ordinal) => MemberKind.ServiceAccount,
        _ when text.StartsWith(GroupPrefix, StringComparison.Ordinal) => MemberKind.Group,
        _ => MemberKind.Unknown,
    };

    private static bool IsAddress(ReadOnlySpan<char> text)
    {
        var at = text.LastIndexOf('@');
        return at > 0 && at < text.Length - 1;
    }

    /// <summary>An authority and a path: of the service itself there is none but the projects.</summary>
    private static bool IsPrincipal(ReadOnlySpan<char> text)
    {
        var slash = text.IndexOf('/');
        return slash > 0 && slash < text.Length - 1 && !text[..slash].SequenceEqual(OwnAuthority);
    }

    /// <summary>Only A to Z: in other alphabets letters that differ have the same lower case (the Kelvin sign and k), and would be one address.</summary>
    private static string AsciiLower(string text, int from) => string.Create(text.Length, (text, from), static (lower, source) =>
    {
        for (var index = 0; index < lower.Length; index++)
        {
            var character = source.text[index];
            lower[index] = index >= source.from && char.IsAsciiLetterUpper(character) ? (char)(character | 0x20) : character;
        }
    });
}
