using System.Text;
using System.Text.Json;
using PolicyService.Cli.Outputs;

namespace PolicyService.Cli.Tests.Outputs;

/// <summary>What nobody sees on a screen must not make one name look like another.</summary>
public sealed class PrintableTests
{
    public static TheoryData<string, string> Hidden => new()
    {
        { "bidirectional override", "\u202E" },
        { "isolate", "\u2066" },
        { "zero-width space", "\u200B" },
        { "byte order mark", "\uFEFF" },
        { "no-break space", "\u00A0" },
        { "wide space", "\u3000" },
        { "variation selector", "\uFE0F" },
        { "grapheme joiner", "\u034F" },
        { "Hangul filler", "\u3164" },
        { "empty Braille", "\u2800" },
        { "private use", "\uE000" },
        { "tag character", "\U000E0041" },
        { "selector of the supplement", "\U000E0101" },
        { "line separator", "\u2028" },
    };

    [Theory, MemberData(nameof(Hidden))]
    public void Invisible_character_is_escaped_in_text_and_json(string name, string text)
    {
        var escaped = string.Concat(text.Select(character => $"\\u{(int)character:x4}"));

        Assert.Equal($"a{escaped}b", Printable.Line($"a{text}b"));
        using var output = new MemoryStream();
        Json.Write(output, writer => writer.WriteStringValue($"a{text}b"));
        var json = Encoding.UTF8.GetString(output.ToArray());
        Assert.True($"\"a{escaped}b\"\n".Equals(json, StringComparison.OrdinalIgnoreCase), $"{name}: {json}");
        Assert.Equal($"a{text}b", JsonSerializer.Deserialize<string>(json));
    }

    [Fact]
    public void Half_of_a_pair_is_escaped() => Assert.Equal("a\\ud83db", Printable.Line("a\ud83db"));

    [Theory]
    [InlineData("registry.example.com/shop/web:v1")]
    [InlineData("ü é 日本 😀 \u0301e")]
    public void Visible_text_is_left_alone(string text)
    {
        Assert.Equal(text, Printable.Line(text));
        Assert.Equal(text, Printable.Json(text));
    }

    [Fact]
    public void Json_keeps_its_lines() => Assert.Equal("{\n  \"a\": 1\n}\n", Printable.Json("{\n  \"a\": 1\n}\n"));
}
