using System.Text;
using PolicyService.Core.Verification.Pgp;

namespace PolicyService.Core.Tests.Verification.Pgp;

/// <summary>The armor alone: one block, and one spelling of what it holds.</summary>
public sealed class PgpArmorTests
{
    private const string Begin = "-----BEGIN PGP MESSAGE-----\n\n";
    private const string End = "-----END PGP MESSAGE-----\n";

    public static TheoryData<string, string> Taken => new()
    {
        { "without checksum", $"{Begin}aGVsbG8=\n{End}" },
        { "with checksum", $"{Begin}aGVsbG8=\n=R/WK\n{End}" },
        { "in lines of any length", $"{Begin}aG\nVsb\nG8=\n{End}" },
        { "with headers", $"-----BEGIN PGP MESSAGE-----\nVersion: any\nComment:\n\naGVsbG8=\n{End}" },
        { "with white space at the ends of lines", $" \n{Begin.Replace("\n", " \t\r\n", StringComparison.Ordinal)}aGVsbG8= \r\n{End}\n\t" },
    };

    public static TheoryData<string, string> Refused => new()
    {
        { "empty", "" },
        { "unknown label", $"{Begin}aGVsbG8=\n{End}".Replace("MESSAGE", "MASSAGE", StringComparison.Ordinal) },
        { "no empty line", $"-----BEGIN PGP MESSAGE-----\naGVsbG8=\n{End}" },
        { "header without colon", $"-----BEGIN PGP MESSAGE-----\nVersion any\n\naGVsbG8=\n{End}" },
        { "header without name", $"-----BEGIN PGP MESSAGE-----\n: any\n\naGVsbG8=\n{End}" },
        { "header without space", $"-----BEGIN PGP MESSAGE-----\nVersion:any\n\naGVsbG8=\n{End}" },
        { "text before", $"x\n{Begin}aGVsbG8=\n{End}" },
        { "text behind", $"{Begin}aGVsbG8=\n{End}x" },
        { "two blocks", $"{Begin}aGVsbG8=\n{End}{Begin}aGVsbG8=\n{End}" },
        { "no end", $"{Begin}aGVsbG8=\n" },
        { "end of another word", $"{Begin}aGVsbG8=\n-----AND PGP MESSAGE-----\n" },
        { "end of another label", $"{Begin}aGVsbG8=\n-----END PGP SIGNATURE-----\n" },
        { "wrong checksum", $"{Begin}aGVsbG8=\n=R/WJ\n{End}" },
        { "right checksum twice", $"{Begin}aGVsbG8=\n=R/WK\n=R/WK\n{End}" },
        { "wrong checksum before the right one", $"{Begin}aGVsbG8=\n=R/WJ\n=R/WK\n{End}" },
        { "checksum before the data", $"{Begin}=R/WK\naGVsbG8=\n{End}" },
        { "checksum within the data", $"{Begin}aGVs\n=R/WK\nbG8=\n{End}" },
        { "empty line within the data", $"{Begin}aGVs\n\nbG8=\n{End}" },
        { "empty line behind the data", $"{Begin}aGVsbG8=\n\n{End}" },
        { "bits beyond the last byte", $"{Begin}aGVsbG9=\n{End}" },
        { "no padding", $"{Begin}aGVsbG8\n{End}" },
        { "space within a line", $"{Begin}aGVs bG8=\n{End}" },
        { "URL-safe alphabet", $"{Begin}-_-_\n{End}" },
    };

    [Theory, MemberData(nameof(Taken))]
    public void Block_is_decoded(string name, string text) => Assert.True(Decode(text) is { } bytes && bytes.AsSpan().SequenceEqual("hello"u8), name);

    [Theory, MemberData(nameof(Refused))]
    public void Other_text_is_refused(string name, string text) => Assert.True(Decode(text) is null, name);

    private static byte[]? Decode(string text) => PgpArmor.Decode(Encoding.UTF8.GetBytes(text));
}
