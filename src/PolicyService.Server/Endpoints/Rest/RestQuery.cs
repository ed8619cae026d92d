using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using PolicyService.Core.Documents;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Endpoints.Rest;

/// <summary>The query of a request. Parameters nobody asks for are passed over: clients send <c>alt</c>, <c>prettyPrint</c> and the like.</summary>
internal static class RestQuery
{
    private const int DefaultPageSize = 100;

    /// <summary>A parameter; empty if it is absent. Both spellings of proto3 JSON are read.</summary>
    /// <param name="context">The request.</param>
    /// <param name="name">Its lowerCamelCase name.</param>
    /// <param name="value">What it says.</param>
    /// <param name="refusal">The answer if it stands twice, which would leave open what counts.</param>
    public static bool TryRead(HttpContext context, string name, out string value, [NotNullWhen(false)] out IResult? refusal)
    {
        var snake = SnakeCase(name);
        string?[] values = [.. context.Request.Query[name], .. snake == name ? [] : context.Request.Query[snake]];
        value = values.Length == 0 ? "" : values[0] ?? "";
        refusal = values.Length <= 1 ? null : RestError.Invalid(name, $"{name} stands twice: send it once");
        return refusal is null;
    }

    /// <summary>Which page is asked for. 0 is the default size, more than there may be is that.</summary>
    public static bool TryReadPage(HttpContext context, out int size, out string token, [NotNullWhen(false)] out IResult? refusal)
    {
        size = DefaultPageSize;
        if (!TryRead(context, "pageToken", out token, out refusal) || !TryRead(context, "pageSize", out var text, out refusal))
        {
            return false;
        }

        if (text.Length > 0 && (!int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out size) || size < 0))
        {
            refusal = RestError.Invalid("pageSize", $"`{Shown.Value(text)}` is no page size: send a number from 1 to {DocumentStore.MaxPageSize}, or none");
            return false;
        }

        size = size == 0 ? DefaultPageSize : Math.Min(size, DocumentStore.MaxPageSize);
        return true;
    }

    private static string SnakeCase(string name) =>
        string.Concat(name.Select(letter => char.IsAsciiLetterUpper(letter) ? $"_{char.ToLowerInvariant(letter)}" : letter.ToString()));
}
