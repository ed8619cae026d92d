using PolicyService.Core.Documents;
using PolicyService.Core.Images;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Endpoints.Rest;

/// <summary>
/// The filters of Container Analysis that clients send: <c>has_suffix(resourceUrl, "sha256:…")</c>, <c>kind="…"</c>, <c>resourceUrl="…"</c>,
/// and any of them joined by AND. A filter that is not understood is refused: an unfiltered list would be taken for the filtered one.
/// </summary>
internal static class OccurrenceFilter
{
    private const string Remedy = "write has_suffix(resourceUrl, \"sha256:<digest>\"), kind=\"<KIND>\" or resourceUrl=\"<uri>\", joined by AND";

    /// <param name="text">The filter; empty takes everything.</param>
    /// <param name="query">Receives what it asks for.</param>
    /// <param name="problem">What is wrong with it.</param>
    public static bool TryApply(string text, ref OccurrenceQuery query, out string problem)
    {
        problem = $"`{Shown.Value(text)}` is no filter that is known: {Remedy}";
        var rest = text.AsSpan().Trim();
        if (rest.IsEmpty)
        {
            return true;
        }

        while (TryTakeTerm(ref rest, ref query))
        {
            if (rest.IsEmpty)
            {
                return true;
            }

            // `AND` is a word of its own, in upper case.
            if (!rest.StartsWith("AND ", StringComparison.Ordinal))
            {
                return false;
            }

            rest = rest["AND ".Length..].TrimStart();
        }

        return false;
    }

    private static bool TryTakeTerm(ref ReadOnlySpan<char> rest, ref OccurrenceQuery query)
    {
        if (TryTake(ref rest, "has_suffix"))
        {
            return TryTake(ref rest, "(") && TryTake(ref rest, "resourceUrl") && TryTake(ref rest, ",") && TryTakeText(ref rest, out var suffix) && TryTake(ref rest, ")")
                && Digest.TryParse(suffix, out var digest) && TrySet(query.Digest is null, query with { Digest = digest }, ref query);
        }

        if (TryTake(ref rest, "kind"))
        {
            return TryTake(ref rest, "=") && TryTakeText(ref rest, out var kind) && TrySet(query.Kind is null, query with { Kind = kind }, ref query);
        }

        return TryTake(ref rest, "resourceUrl") && TryTake(ref rest, "=") && TryTakeText(ref rest, out var uri)
            && TrySet(query.ResourceUri is null, query with { ResourceUri = uri }, ref query);
    }

    /// <summary>Two terms about one field would leave open which of them counts.</summary>
    private static bool TrySet(bool isFirst, OccurrenceQuery changed, ref OccurrenceQuery query)
    {
        query = isFirst ? changed : query;
        return isFirst;
    }

    private static bool TryTake(ref ReadOnlySpan<char> rest, string word)
    {
        if (!rest.StartsWith(word, StringComparison.Ordinal))
        {
            return false;
        }

        rest = rest[word.Length..].TrimStart();
        return true;
    }

    /// <summary>A text in double quotes; no escape is known, so that a text ends where it seems to.</summary>
    private static bool TryTakeText(ref ReadOnlySpan<char> rest, out string text)
    {
        text = "";
        var end = rest is ['"', ..] ? rest[1..].IndexOf('"') : -1;
        if (end < 0 || rest[1..(end + 1)].Contains('\\'))
        {
            return false;
        }

        text = rest[1..(end + 1)].ToString();
        rest = rest[(end + 2)..].TrimStart();
        return true;
    }
}
