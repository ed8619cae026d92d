using System.Text;
using CsCheck;
using PolicyService.Cli.Pins;
using PolicyService.Core.Attestors;
using PolicyService.Core.Images;

namespace PolicyService.Cli.Tests.Pins;

/// <summary>A pin put into somebody's file, with everything else left as it was.</summary>
public sealed class PinTextTests
{
    private const string Key = "//cloudkms.googleapis.com/v1/projects/acme/locations/eu/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1";
    private const string Other = "//cloudkms.googleapis.com/v1/projects/acme/locations/eu/keyRings/r/cryptoKeys/k/cryptoKeyVersions/2";
    private const string Cosign = "gcpkms://projects/acme/locations/eu/keyRings/r/cryptoKeys/k/versions/1";
    private static readonly string One = $"sha256:{new string('1', 64)}";
    private static readonly string Two = $"sha256:{new string('2', 64)}";

    public static TheoryData<string, string?, string> Written => new()
    {
        { "no file", null, $"pinnedKeys:\n  {Key}: {One}\n" },
        { "an empty file", "", $"pinnedKeys:\n  {Key}: {One}\n" },
        { "comments alone", "# ours\n", $"# ours\npinnedKeys:\n  {Key}: {One}\n" },
        { "no pins yet", "failMode: OPEN # because\n\n# end", $"failMode: OPEN # because\n\n# end\npinnedKeys:\n  {Key}: {One}\n" },
        { "other lines' ends", "failMode: OPEN\r\n", $"failMode: OPEN\r\npinnedKeys:\r\n  {Key}: {One}\r\n" },
        {
            "a pin with comments around",
            $"# top\npinnedKeys: # these\n    # the old one\n    {Other}: {Two} # 2026\n\n# below\nbindRepository: true\n",
            $"# top\npinnedKeys: # these\n    # the old one\n    {Other}: {Two} # 2026\n    {Key}: {One}\n\n# below\nbindRepository: true\n"
        },
        { "a pin at the end without line end", $"pinnedKeys:\n  {Other}: {Two}", $"pinnedKeys:\n  {Other}: {Two}\n  {Key}: {One}\n" },
        { "a quoted pin", $"pinnedKeys:\n  \"{Other}\": '{Two}'\n", $"pinnedKeys:\n  \"{Other}\": '{Two}'\n  {Key}: {One}\n" },
        { "an empty field", "pinnedKeys: # none\nfailMode: OPEN\n", $"pinnedKeys: # none\n  {Key}: {One}\nfailMode: OPEN\n" },
        { "an empty flow", "pinnedKeys: {}\nfailMode: OPEN\n", $"pinnedKeys: {{\"{Key}\": \"{One}\"}}\nfailMode: OPEN\n" },
        { "a flow", $"pinnedKeys: {{{Other}: {Two}}} # two\n", $"pinnedKeys: {{\"{Key}\": \"{One}\", {Other}: {Two}}} # two\n" },
        { "all in flow", "{failMode: OPEN}\n", $"{{\"pinnedKeys\": {{\"{Key}\": \"{One}\"}}, failMode: OPEN}}\n" },
        { "an empty mapping", "{}\n", $"{{\"pinnedKeys\": {{\"{Key}\": \"{One}\"}}}}\n" },
        { "another pin of the key", $"pinnedKeys:\n  {Key}: {Two} # old\n  {Other}: {Two}\n", $"pinnedKeys:\n  {Key}: {One} # old\n  {Other}: {Two}\n" },
        { "another pin, spelled as cosign does", $"pinnedKeys:\n  {Cosign}: \"{Two}\"\n", $"pinnedKeys:\n  {Cosign}: \"{One}\"\n" },
        { "the start of a document", "---\nfailMode: OPEN\n", $"---\nfailMode: OPEN\npinnedKeys:\n  {Key}: {One}\n" },
    };

    public static TheoryData<string, string, string> Refused => new()
    {
        { "not YAML", "failMode: [\n", "not YAML" },
        { "wrong options", "failMode: AJAR\n", "is not usable" },
        { "a list", "- a\n", "not one mapping" },
        { "a null that is written", "pinnedKeys: null\n", "is not edited here" },
        { "an end of the document", "failMode: OPEN\n...\n", "by hand" },
        { "two documents", "failMode: OPEN\n---\nfailMode: OPEN\n", "not one mapping" },
        { "keys over several lines", $"pinnedKeys:\n  ? {Other}\n  :\n    {Two}\n", "by hand" },
    };

    [Theory, MemberData(nameof(Written))]
    public void TryWrite_changes_nothing_else(string name, string? before, string after)
    {
        Assert.True(PinText.TryWrite("options.yaml", before is null ? null : Encoding.UTF8.GetBytes(before), Pins(), out var changed, out var problem), $"{name}: {problem}");

        Assert.Equal(after, Encoding.UTF8.GetString(changed));
    }

    [Theory, MemberData(nameof(Refused))]
    public void TryWrite_refuses(string name, string before, string why)
    {
        Assert.False(PinText.TryWrite("options.yaml", Encoding.UTF8.GetBytes(before), Pins(), out var changed, out var problem), $"{name}: {Encoding.UTF8.GetString(changed ?? [])}");

        Assert.Null(changed);
        Assert.Contains(why, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void TryWrite_refuses_what_is_not_UTF8() =>
        Assert.False(PinText.TryWrite("options.yaml", [.. "failMode: OPEN # "u8, 0xff], Pins(), out _, out _));

    [Fact]
    public void TryWrite_writes_JSON_too()
    {
        Assert.True(PinText.TryWrite("options.json", "{\n  \"failMode\": \"OPEN\"\n}\n"u8.ToArray(), Pins(), out var changed, out var problem), problem);

        Assert.Equal($"{{\"pinnedKeys\": {{\"{Key}\": \"{One}\"}}, \n  \"failMode\": \"OPEN\"\n}}\n", Encoding.UTF8.GetString(changed));
    }

    /// <summary>Whatever the file looks like: it stays what it was and has the pin, or it is refused.</summary>
    [Fact]
    public void TryWrite_gives_the_old_document_and_the_pin_or_nothing()
    {
        string[] lines =
        [
            "# comment", "", "failMode: OPEN", "bindRepository: true", "revocations: []", "pinnedKeys:", $"  {Other}: {Two}", $"  {Key}: {Two}", $"pinnedKeys: {{{Other}: {Two}}}",
            "pinnedKeys: {}", "  # inner", "...", "---", "{", "}", "maxAttestationAge: |", "  72h", "\t",
        ];
        Gen.Int[0, lines.Length - 1].Array[0, 6].Select(Gen.Bool, (some, isWindows) => string.Join(isWindows ? "\r\n" : "\n", some.Select(index => lines[index]))).Sample(text =>
        {
            var before = Encoding.UTF8.GetBytes(text);
            if (PinText.TryWrite("options.yaml", before, Pins(), out var changed, out _))
            {
                var after = Assert.IsType<Core.Policies.ProjectOptions>(Core.Policies.DocumentFiles.Parse("options.yaml", changed).Content);
                Assert.Equal(One, after.PinnedKeys[Pins().Keys.Single()].ToString());
                // Of the old text nothing is missing but the pin that was replaced.
                var kept = new Queue<char>(text.Replace($"{Key}: {Two}", "", StringComparison.Ordinal));
                foreach (var character in Encoding.UTF8.GetString(changed))
                {
                    if (kept.TryPeek(out var next) && next == character)
                    {
                        kept.Dequeue();
                    }
                }

                Assert.Empty(kept);
            }
        });
    }

    private static Dictionary<KmsKeyName, Digest> Pins() =>
        KmsKeyName.TryParse(Key, out var name) && Digest.TryParse(One, out var pin) ? new() { [name] = pin } : throw new InvalidOperationException();
}
