using System.Text;

namespace PolicyService.Tests.Registries;

/// <summary>How an answer goes on after its headers, or does not.</summary>
public enum HostileBody
{
    Whole,

    /// <summary>States a length and closes the connection after half of it.</summary>
    Truncated,

    /// <summary>Takes the request and never answers.</summary>
    Silent,

    /// <summary>Closes the connection without an answer.</summary>
    Hangup,

    /// <summary>One byte at a time, for ever.</summary>
    Drip,

    /// <summary>Without end and without stated length.</summary>
    Endless,

    /// <summary>The body is all that is written: no HTTP around it.</summary>
    Raw,
}

/// <summary>One answer, with nothing in it that is not written here.</summary>
public sealed record HostileAnswer(int Status, byte[] Body, params string[] Headers)
{
    public HostileBody Kind { get; init; }

    /// <summary>What is said of the length, true or not; null: the truth.</summary>
    public long? StatedLength { get; init; }

    public static HostileAnswer Of(int status, string text = "", params string[] headers) => new(status, Encoding.UTF8.GetBytes(text), headers);

    public static HostileAnswer Of(HostileBody kind, string text = "") => new(200, Encoding.UTF8.GetBytes(text)) { Kind = kind };

    public static HostileAnswer Error(int status, string code) => Of(status, $$"""{"errors": [{"code": "{{code}}", "message": "as asked"}]}""", "content-type: application/json");

    public static HostileAnswer Redirect(string location, int status = 307) => Of(status, "", $"location: {location}");

    public static HostileAnswer Challenge(string challenge) => Of(401, """{"errors": [{"code": "UNAUTHORIZED"}]}""", $"www-authenticate: {challenge}");
}

/// <summary>One request as it came.</summary>
/// <param name="Method">GET, mostly.</param>
/// <param name="Target">Path and query, as written.</param>
/// <param name="Headers">By lower-case names.</param>
/// <param name="Body">Empty where there is none.</param>
public sealed record HostileCall(string Method, string Target, IReadOnlyDictionary<string, string> Headers, string Body)
{
    public string Path => Target.Split('?')[0];

    public string? Authorization => Headers.GetValueOrDefault("authorization");
}
