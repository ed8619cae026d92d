using System.Globalization;
using System.Text;

namespace PolicyService.Core.Verification;

/// <summary>
/// The pre-authentication encoding of DSSE: what a DSSE signature covers. Both lengths are part of it, so no two pairs of type
/// and payload have the same encoding.
/// </summary>
public static class DssePae
{
    /// <summary>The payload type of simple signing, and the only one under which a PAE of it is accepted.</summary>
    public const string SimpleSigningType = "application/vnd.dev.cosign.simplesigning.v1+json";

    /// <summary><c>DSSEv1 &lt;length&gt; &lt;type&gt; &lt;length&gt; &lt;payload&gt;</c>, lengths in bytes.</summary>
    public static byte[] Encode(string type, ReadOnlySpan<byte> payload)
    {
        var header = string.Create(CultureInfo.InvariantCulture, $"DSSEv1 {Encoding.UTF8.GetByteCount(type)} {type} {payload.Length} ");
        return [.. Encoding.UTF8.GetBytes(header), .. payload];
    }
}
