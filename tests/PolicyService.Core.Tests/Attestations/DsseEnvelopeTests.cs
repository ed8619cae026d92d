using System.Text;
using PolicyService.Core.Attestations;

namespace PolicyService.Core.Tests.Attestations;

/// <summary>DSSE envelopes and the bundles that hold them. Nothing in either is verified yet.</summary>
public sealed class DsseEnvelopeTests
{
    private const string Type = "\"payloadType\":\"application/vnd.in-toto+json\"";
    private const string Signature = "{\"sig\":\"+/8=\",\"keyid\":\"\"}";
    private const string Envelope = "{" + Type + ",\"payload\":\"e30=\",\"signatures\":[" + Signature + "]}";
    private const string BundleType = "\"mediaType\":\"application/vnd.dev.sigstore.bundle.v0.3+json\"";
    private const string Material = "\"verificationMaterial\":{\"publicKey\":{\"hint\":\"h\"},\"tlogEntries\":[]}";
    private const string Bundle = "{" + BundleType + "," + Material + ",\"dsseEnvelope\":" + Envelope + "}";

    public static TheoryData<string, string, string> RefusedEnvelopes => new()
    {
        { Envelope, "[]", "not an object" },
        { Type + ",", "", "not an object with a `payloadType`" },
        { Type, "\"payloadType\":7", "not an object with a `payloadType`" },
        { "application/vnd.in-toto+json", "text/plain", "payloadType is `text/plain`" },
        { "application/vnd.in-toto+json", "application/vnd.in-toto+json ", "payloadType is" },
        { "application/vnd.in-toto+json", "application/vnd.dev.cosign.simplesigning.v1+json", "payloadType is" },
        { "application/vnd.in-toto+json", "", "payloadType is ``" },
        { Type, Type + "," + Type, "strict JSON" },
        { "\"payload\":\"e30=\",", "", "`payload` is no base64" },
        { "\"e30=\"", "{}", "`payload` is no base64" },
        { "\"e30=\"", "\"e3\\u0000=\"", "`payload` is no base64" },
        { "\"e30=\"", "\"e\"", "`payload` is no base64" },
        { ",\"signatures\":[" + Signature + "]", "", "no `signatures`" },
        { "[" + Signature + "]", "[]", "no `signatures`" },
        { "[" + Signature + "]", "null", "no `signatures`" },
        { "[" + Signature + "]", Signature, "no `signatures`" },
        { Signature, "7", "no base64 `sig`" },
        { Signature, "{}", "no base64 `sig`" },
        { "\"+/8=\"", "\"\"", "no base64 `sig`" },
        { "\"+/8=\"", "\"+_8=\"", "no base64 `sig`" },
        { "\"+/8=\"", "null", "no base64 `sig`" },
        { Signature, Signature + ",{}", "no base64 `sig`" },
        { "\"keyid\":\"\"", "\"keyid\":7", "`keyid`" },
        { "\"keyid\":\"\"", "\"keyid\":\"\\ud800\",\"sig\":\"\"", "strict JSON" },
    };

    public static TheoryData<string, string, string> RefusedBundles => new()
    {
        { Bundle, "[]", "not an object" },
        { BundleType + ",", "", "`mediaType`" },
        { BundleType, "\"mediaType\":7", "`mediaType`" },
        { "bundle.v0.3", "bundle.v0.4", "`mediaType`" },
        { "bundle.v0.3+json", "bundle+json;version=0.4", "`mediaType`" },
        { BundleType, BundleType + "," + BundleType, "a field twice" },
        { Material, Material + "," + Material, "a field twice" },
        { "\"dsseEnvelope\"", "\"dsseEnvelope\":{},\"dsse\\u0045nvelope\"", "a field twice" },
        { "\"dsseEnvelope\"", "\"messageSignature\":{},\"messageSignature\":{},\"dsseEnvelope\"", "a field twice" },
        { "\"dsseEnvelope\"", "\"messageSignature\":{},\"dsseEnvelope\"", "not exactly one" },
        { ",\"dsseEnvelope\":" + Envelope, "", "not exactly one" },
        { Material, Material + ",\"x\":1", "a field that no bundle has" },
        { "\"dsseEnvelope\"", "\"DsseEnvelope\":{},\"dsseEnvelope\"", "a field that no bundle has" },
        { Envelope, "null", "no object" },
        { Envelope, "[]", "no object" },
        { Material, "\"verificationMaterial\":\"\"", "no object" },
        { "\"h\"", "\"h\",", "strict JSON" },
        { "\"h\"", "/**/\"h\"", "strict JSON" },
    };

    [Theory]
    [InlineData(Envelope, 1)]
    [InlineData("{\"signatures\":[{\"sig\":\"-_8\"},{\"sig\":\"-_8=\",\"keyid\":null,\"cert\":\"\"}],\"payload\":\"e30\"," + Type + ",\"more\":1}", 2)]
    public void Envelope_is_read_in_both_alphabets(string text, int signatures)
    {
        Assert.True(DsseEnvelope.TryParse(Encoding.UTF8.GetBytes(text), out var envelope, out var problem), problem);
        Assert.Equal("{}"u8.ToArray(), envelope.Payload);
        Assert.Equal(signatures, envelope.Signatures.Count);
        Assert.All(envelope.Signatures, signature => Assert.Equal([0xfb, 0xff], signature));
    }

    [Theory, MemberData(nameof(RefusedEnvelopes))]
    [Trait("attack", "58")]
    public void Envelope_is_refused(string part, string replacement, string problem)
    {
        var text = Envelope.Replace(part, replacement, StringComparison.Ordinal);
        Assert.NotEqual(Envelope, text);
        Assert.False(DsseEnvelope.TryParse(Encoding.UTF8.GetBytes(text), out _, out var why));
        Assert.Contains(problem, why, StringComparison.Ordinal);

        // A bundle is read all the same; its envelope is not.
        if (problem != "not an object")
        {
            var bundle = Parse(Bundle.Replace(Envelope, text, StringComparison.Ordinal));
            Assert.Null(bundle.Envelope);
            Assert.Equal((why, false), (bundle.EnvelopeProblem, bundle.IsTooLarge));
        }
    }

    [Theory]
    [InlineData(".v0.1+json")]
    [InlineData(".v0.2+json")]
    [InlineData(".v0.3+json")]
    [InlineData("+json;version=0.1")]
    [InlineData("+json;version=0.2")]
    [InlineData("+json;version=0.3")]
    public void Bundle_is_read(string version)
    {
        Assert.True(SigstoreBundle.IsMediaType(SigstoreBundle.MediaTypePrefix + version));
        var bundle = Parse(Bundle.Replace(".v0.3+json", version, StringComparison.Ordinal));

        Assert.Equal("{}"u8.ToArray(), bundle.Envelope!.Payload);
        Assert.Null(bundle.EnvelopeProblem);
    }

    [Theory, MemberData(nameof(RefusedBundles))]
    public void Bundle_is_refused(string part, string replacement, string problem)
    {
        var text = Bundle.Replace(part, replacement, StringComparison.Ordinal);
        Assert.NotEqual(Bundle, text);
        Assert.False(SigstoreBundle.TryParse(Encoding.UTF8.GetBytes(text), out _, out var why));
        Assert.Contains(problem, why, StringComparison.Ordinal);
    }

    [Fact]
    public void Bundle_is_one_value()
    {
        foreach (var text in (string[])["", "{", Bundle + "{}", Bundle + "x", "\ufeff" + Bundle, Bundle[..^1]])
        {
            Assert.False(SigstoreBundle.TryParse(Encoding.UTF8.GetBytes(text), out _, out var problem));
            Assert.Contains("strict JSON", problem, StringComparison.Ordinal);
        }

        Assert.False(SigstoreBundle.TryParse([0x7b, 0xff, 0x7d], out _, out var why));
        Assert.Contains("UTF-8", why, StringComparison.Ordinal);
        Assert.False(SigstoreBundle.TryParse(Encoding.UTF8.GetBytes(Bundle.Replace("bundle.v0.3", "bundle.\\ud800", StringComparison.Ordinal)), out _, out why));
        Assert.Contains("surrogate", why, StringComparison.Ordinal);
    }

    [Fact]
    public void Bundle_with_the_signature_of_a_message_is_not_read_yet()
    {
        var bundle = Parse("{" + BundleType + "," + Material + ",\"messageSignature\":{}}");

        Assert.Null(bundle.Envelope);
        Assert.Equal("signatures of messages are not read yet", bundle.EnvelopeProblem);
    }

    [Fact]
    public void Envelope_of_256_KiB_is_read_and_a_byte_more_is_too_large()
    {
        Assert.NotNull(Parse(With(Limits.EnvelopeBytes)).Envelope);
        var larger = Parse(With(Limits.EnvelopeBytes + 1));
        Assert.Null(larger.Envelope);
        Assert.True(larger.IsTooLarge);

        static string With(int size) => Bundle.Replace(Envelope, Envelope[..^1] + new string(' ', size - Envelope.Length) + "}", StringComparison.Ordinal);
    }

    [Fact]
    public void Bundle_of_16_MiB_is_read_without_keeping_its_material_and_a_byte_more_refused()
    {
        // A hundred thousand entries of a log, and none of them costs anything.
        var entries = string.Join(',', Enumerable.Repeat("{\"a\":[]}", 100_000));
        var text = Bundle.Replace("\"tlogEntries\":[]", $"\"tlogEntries\":[{entries}]", StringComparison.Ordinal);
        var bytes = Encoding.UTF8.GetBytes(text + new string(' ', Limits.BundleBytes - text.Length));
        Assert.False(SigstoreBundle.TryParse("{}"u8, out _, out _));
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.True(SigstoreBundle.TryParse(bytes, out var bundle, out var problem), problem);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1024 * 1024);
        Assert.NotNull(bundle.Envelope);

        Assert.False(SigstoreBundle.TryParse([.. bytes, (byte)' '], out _, out problem));
        Assert.Contains("16 MiB", problem, StringComparison.Ordinal);
    }

    private static SigstoreBundle Parse(string text)
    {
        Assert.True(SigstoreBundle.TryParse(Encoding.UTF8.GetBytes(text), out var bundle, out var problem), problem);
        return bundle;
    }
}
