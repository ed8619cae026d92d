using CsCheck;
using PolicyService.Core.Images;

namespace PolicyService.Core.Tests.Images;

public sealed class ImageReferenceProperties
{
    private const string Alphanumeric = "abcdefghijklmnopqrstuvwxyz0123456789";

    private static readonly Gen<string> Hex = Gen.Char["0123456789abcdef"].Array[64].Select(digits => new string(digits));
    private static readonly Gen<string> Component = Gen.String[Gen.Char["ab0"], 1, 3]
        .SelectMany(run => Gen.OneOf("", ".", "_", "__", "-", "---").Select(separator => separator.Length == 0 ? run : $"{run}{separator}{run}"));

    private static readonly Gen<string> Host = Gen.OneOf(
        "", "docker.io/", "index.docker.io/", "Docker.io/", "gcr.io/", "GCR.IO:443/", "localhost/", "LocalHost:80/", "[::A]:5000/", "Acme/", "a_b.c/");

    private static readonly Gen<string> Tag = Gen.OneOf("", ":1", ":v1.2-rc_3", ":_", ":LATEST");
    private static readonly Gen<string> DigestPart = Hex.SelectMany(hex => Gen.OneOf("", $"@sha256:{hex}", $"@sha512:{hex}{hex}", $"@foo+bar:{hex}"));

    private static readonly Gen<string> Reference = Gen.Select(Host, Component.Array[1, 4], Tag, DigestPart)
        .Select((host, components, tag, digest) => $"{host}{string.Join('/', components)}{tag}{digest}");

    // Few characters, so that strings near the grammar come up often.
    private static readonly Gen<string> NearReference = Gen.String[Gen.Char["aB0._-:/@[]"], 0, 12];

    [Fact]
    public void Every_reference_of_the_grammar_parses() =>
        Reference.Sample(text => ImageReference.TryParse(text, out _));

    [Fact]
    [Trait("attack", "13")]
    public void Match_text_parses_to_itself() => Gen.OneOf(Reference, NearReference).Sample(text =>
    {
        if (!ImageReference.TryParse(text, out var image))
        {
            return;
        }

        Assert.True(ImageReference.TryParse(image.MatchText, out var again), image.MatchText);
        Assert.Equal(image.MatchText, again.MatchText);
        Assert.Equal((image.Name, image.Tag, image.Digest, image.HasUnusableDigest), (again.Name, again.Tag, again.Digest, again.HasUnusableDigest));
    }, iter: 20_000);

    [Fact]
    public void Match_text_starts_with_a_host_and_the_name() => Gen.OneOf(Reference, NearReference).Sample(text =>
        !ImageReference.TryParse(text, out var image)
        || (image.MatchText.StartsWith(image.Name, StringComparison.Ordinal) && image.Name.IndexOf('/', StringComparison.Ordinal) > 0));

    [Fact]
    public void Parser_agrees_with_a_plain_reading_of_the_grammar() => Gen.OneOf(Reference, NearReference).Sample(
        text => Assert.Equal(PlainlyParses(text), ImageReference.TryParse(text, out _)),
        iter: 50_000);

    [Fact]
    [Trait("attack", "29")]
    public void Any_text_is_read_or_has_a_problem() => Gen.String.Sample(text =>
        ImageReference.TryParse(text, out var image, out var problem) ? image.Text == text : image is null && problem.Length > 0);

    /// <summary>The grammar again, by cutting and counting; short, slow, and written unlike the parser.</summary>
    private static bool PlainlyParses(string text)
    {
        var atSigns = text.Split('@');
        var slashes = atSigns[0].Split('/');
        var hasHost = slashes.Length > 1 && (slashes[0] == "localhost" || slashes[0].Any(c => c is '.' or ':' || char.IsAsciiLetterUpper(c)));
        var repository = hasHost ? slashes[1..] : slashes;
        var colons = repository[^1].Split(':');
        return atSigns.Length <= 2
            && (!hasHost || PlainlyHost(slashes[0]))
            && repository[..^1].Append(colons[0]).All(PlainlyComponent)
            && colons.Length <= 2
            && (colons.Length == 1 || PlainlyTag(colons[1]))
            && (atSigns.Length == 1 || atSigns[1].Split(':') is [_, { Length: >= 32 }]);
    }

    private static bool PlainlyTag(string tag) =>
        tag.Length > 0 && tag[0] is not ('.' or '-') && tag.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-');

    private static bool PlainlyHost(string host)
    {
        var bracket = host.LastIndexOf(']');
        var colon = host.IndexOf(':', Math.Max(bracket, 0));
        var address = colon < 0 ? host : host[..colon];
        var port = colon < 0 ? "1" : host[(colon + 1)..];
        var isIpv6 = address is ['[', _, .., ']'] && address[1..^1].All(c => c == ':' || char.IsAsciiHexDigit(c)) && address.Length > 2;
        var isDomain = address.Split('.').All(label =>
            label.Length > 0 && !label.StartsWith('-') && !label.EndsWith('-') && label.All(c => c == '-' || char.IsAsciiLetterOrDigit(c)));
        return port.Length > 0 && port.All(char.IsAsciiDigit) && (isIpv6 || isDomain || (colon < 0 && PlainlyComponent(address)));
    }

    private static bool PlainlyComponent(string component) =>
        component.Length > 0
        && Alphanumeric.Contains(component[0])
        && Alphanumeric.Contains(component[^1])
        && component.Split(Alphanumeric.ToCharArray(), StringSplitOptions.RemoveEmptyEntries)
            .All(separator => separator is "." or "_" or "__" || separator.All(c => c == '-'));
}
