using System.Text;
using CsCheck;
using PolicyService.Evidence.Keys;
using PolicyService.Tests.Kms;

namespace PolicyService.Evidence.Tests.Keys;

public sealed class Crc32CTests
{
    /// <summary>RFC 3720, appendix B.4, and the check value of the catalogue of CRCs.</summary>
    public static TheoryData<string, byte[], uint> Vectors => new()
    {
        { "nothing", [], 0 },
        { "check value", Encoding.ASCII.GetBytes("123456789"), 0xE3069283 },
        { "32 zeros", new byte[32], 0x8A9136AA },
        { "32 ones", [.. Enumerable.Repeat((byte)0xff, 32)], 0x62A8AB43 },
        { "counting up", [.. Enumerable.Range(0, 32).Select(one => (byte)one)], 0x46DD794E },
        { "counting down", [.. Enumerable.Range(0, 32).Select(one => (byte)(31 - one))], 0x113FDB5C },
        {
            "iSCSI read command",
            Convert.FromHexString("01c00000000000000000000000000000140000000000040000000014000000182800000000000000" + "0200000000000000"),
            0xD9963A56
        },
    };

    [Theory, MemberData(nameof(Vectors))]
    public void Of_gives_the_published_value(string name, byte[] data, uint crc) => Assert.True(Crc32C.Of(data) == crc, name);

    [Fact]
    public void Of_agrees_with_the_definition_bit_by_bit() => Gen.Byte.Array[0, 100].Sample(data => Crc32C.Of(data) == KmsStandInReplies.Crc32C(data));
}
