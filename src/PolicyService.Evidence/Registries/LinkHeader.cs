namespace PolicyService.Evidence.Registries;

/// <summary>Reads where the next page of a list is (RFC 8288; OCI distribution specification, "Listing Referrers").</summary>
internal static class LinkHeader
{
    /// <param name="headers">As they came.</param>
    /// <param name="target">The URL of the next page, as it is written.</param>
    /// <returns>True: there is one. Null: there is none. False: what is written cannot be read, so that nobody knows.</returns>
    public static bool? Next(IReadOnlyList<string> headers, out string target)
    {
        target = "";
        foreach (var header in headers)
        {
            var rest = header.AsSpan().Trim(" \t,");
            while (!rest.IsEmpty)
            {
                var close = rest.IndexOf('>');
                if (rest[0] != '<' || close < 0)
                {
                    return false;
                }

                var written = rest[1..close];
                rest = rest[(close + 1)..];
                var end = EndOf(rest);
                if (end < 0)
                {
                    return false;
                }

                if (IsNext(rest[..end]))
                {
                    target = written.ToString();
                    return true;
                }

                rest = rest[end..].TrimStart(" \t,");
            }
        }

        return null;
    }

    /// <summary>The comma after the parameters of one link; negative: a quote does not end.</summary>
    private static int EndOf(ReadOnlySpan<char> parameters)
    {
        var isQuoted = false;
        for (var position = 0; position < parameters.Length; position++)
        {
            if (parameters[position] == '"')
            {
                isQuoted = !isQuoted;
            }
            else if (parameters[position] == ',' && !isQuoted)
            {
                return position;
            }
        }

        return isQuoted ? -1 : parameters.Length;
    }

    private static bool IsNext(ReadOnlySpan<char> parameters)
    {
        foreach (var range in parameters.Split(';'))
        {
            var parameter = parameters[range].Trim(" \t");
            var equals = parameter.IndexOf('=');
            if (equals > 0
                && parameter[..equals].Trim(" \t").Equals("rel", StringComparison.OrdinalIgnoreCase)
                && parameter[(equals + 1)..].Trim(" \t\"").Equals("next", StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }
}
