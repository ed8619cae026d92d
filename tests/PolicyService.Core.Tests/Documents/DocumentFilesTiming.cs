using System.Diagnostics;
using System.Text;

namespace PolicyService.Core.Tests.Documents;

/// <summary>Tests that compare times run alone.</summary>
[CollectionDefinition(nameof(Timing), DisableParallelization = true)]
public sealed class Timing;

[Collection(nameof(Timing))]
public sealed class DocumentFilesTiming
{
    /// <summary>Documents eight times as long may take a generous forty times as long, and not the sixty-four of a quadratic reader.</summary>
    [Theory]
    [InlineData("policy.yaml", "", "f: [a, {b: c}]\n", "", true)]
    [InlineData("policy.yaml", "a: ", "x", "\n", false)]
    [InlineData("policy.yaml", "a: \"", "\\u0041", "\"\n", false)]
    [InlineData("policy.yaml", "a: |\n", "  line\n", "", false)]
    [InlineData("policy.yaml", "", "[", "", false)]
    [InlineData("policy.yaml", "", "- ", "", false)]
    [InlineData("policy.yaml", "", "a: b: ", "", false)]
    [InlineData("policy.yaml", "a: [", "b, ", "]\n", false)]
    [InlineData("policy.yaml", "admissionWhitelistPatterns:\n", "- namePattern: gcr.io/p/x*\n", "", false)]
    [InlineData("policy.yaml", "", "---\n", "", false)]
    [InlineData("policy.yaml", "", "# comment\n", "", false)]
    [InlineData("policy.json", "{", "\"f\": [1, {\"b\": null}], ", "\"z\": 1}", true)]
    [InlineData("policy.json", "", "[", "", false)]
    [InlineData("policy.json", "{\"a\": \"", "\\u0041", "\"}", false)]
    [InlineData("attestations/a.json", "[", "{\"noteName\": \"projects/p/notes/n\"}, ", "{}]", false)]
    [InlineData("attestors/a.yaml", "name: projects/p/attestors/a\nuserOwnedGrafeasNote:\n  noteReference: projects/p/notes/n\n  publicKeys:\n", "  - {id: k}\n", "", true)]
    [InlineData("options.yaml", "revocations:\n", "- {reason: r, author: a}\n", "", false)]
    [InlineData("clusters.yaml", "clusters:\n", "  a.b: {project: p, platform: GKE}\n", "", true)]
    public void Parse_takes_linear_time(string file, string start, string repeated, string end, bool isNumbered)
    {
        var (shorter, longer) = (Text(256 * 1024), Text(2 * 1024 * 1024));
        Least(shorter, 1); // the first reading also compiles
        var (one, eight) = (Least(shorter, 3), Least(longer, 2));

        // What takes no time at all is compared with a little, so that a busy machine does not decide.
        Assert.True(eight.TotalMilliseconds < 40 * Math.Max(one.TotalMilliseconds, 20), $"{one.TotalMilliseconds} ms, then {eight.TotalMilliseconds} ms");

        byte[] Text(int length)
        {
            var text = new StringBuilder(start);
            for (var index = 0; text.Length < length; index++)
            {
                // Keys and ids must differ: `a.b` becomes `a.b-7`, `k` becomes `k-7`, `f` becomes `f-7`.
                text.Append(isNumbered ? repeated.Replace("a.b", $"a.b-{index}", StringComparison.Ordinal).Replace("id: k", $"id: k-{index}", StringComparison.Ordinal)
                    .Replace("f:", $"f-{index}:", StringComparison.Ordinal).Replace("\"f\"", $"\"f-{index}\"", StringComparison.Ordinal) : repeated);
            }

            return Encoding.UTF8.GetBytes(text.Append(end).ToString());
        }

        TimeSpan Least(byte[] content, int times) => Enumerable.Range(0, times).Min(_ =>
        {
            var started = Stopwatch.GetTimestamp();
            Reading.Of(file, content);
            return Stopwatch.GetElapsedTime(started);
        });
    }
}
