using System.Security.Cryptography;

namespace PolicyService.Core.Verification;

/// <summary>
/// ECDSA over a hash, with the signature in strict DER or in fixed width (IEEE P1363, as JWTs have it). Each form has one
/// spelling of a signature: the base library would also take DER that misses a leading zero.
/// </summary>
public static class EcdsaSignature
{
    private const int MaxWidth = 66; // bytes of a number modulo the order of P-521
    private const byte SequenceTag = 0x30;
    private const byte IntegerTag = 0x02;

    public static bool VerifyDer(ECDsa key, ReadOnlySpan<byte> hash, ReadOnlySpan<byte> signature)
    {
        var width = WidthOf(key);
        Span<byte> fixedWidth = stackalloc byte[2 * MaxWidth];
        fixedWidth = fixedWidth[..(2 * width)];
        return TryReadDer(signature, fixedWidth) && VerifyFixedWidth(key, hash, fixedWidth);
    }

    public static bool VerifyFixedWidth(ECDsa key, ReadOnlySpan<byte> hash, ReadOnlySpan<byte> signature)
    {
        var width = WidthOf(key);

        // Zero for r or s once verified everywhere in one well-known library; that they are below the order is the library's check.
        return signature.Length == 2 * width
            && signature[..width].ContainsAnyExcept((byte)0)
            && signature[width..].ContainsAnyExcept((byte)0)
            && key.VerifyHash(hash, signature, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }

    // SEQUENCE { r INTEGER, s INTEGER }, neither negative. Written out because the library's reader throws on what it refuses,
    // and a hundred bad signatures should cost as little as one.
    private static bool TryReadDer(ReadOnlySpan<byte> der, Span<byte> fixedWidth)
    {
        var width = fixedWidth.Length / 2;
        return TryReadContent(ref der, SequenceTag, out var numbers)
            && der.IsEmpty
            && TryReadNumber(ref numbers, fixedWidth[..width])
            && TryReadNumber(ref numbers, fixedWidth[width..])
            && numbers.IsEmpty;
    }

    private static bool TryReadContent(ref ReadOnlySpan<byte> der, byte tag, out ReadOnlySpan<byte> content)
    {
        content = default;
        if (der.Length < 2 || der[0] != tag)
        {
            return false;
        }

        // One length byte up to 127; 0x81 and one more only from 128, which no more than P-521 needs.
        var isLong = der[1] == 0x81;
        if (isLong ? der.Length < 3 || der[2] < 0x80 : der[1] >= 0x80)
        {
            return false;
        }

        var (start, length) = isLong ? (3, der[2]) : (2, der[1]);
        if (der.Length - start < length)
        {
            return false;
        }

        content = der.Slice(start, length);
        der = der[(start + length)..];
        return true;
    }

    private static bool TryReadNumber(ref ReadOnlySpan<byte> der, Span<byte> number)
    {
        if (!TryReadContent(ref der, IntegerTag, out var content) || content.IsEmpty || content[0] >= 0x80)
        {
            return false; // empty, or negative: the missing leading zero
        }

        if (content[0] == 0 && content.Length > 1)
        {
            if (content[1] < 0x80)
            {
                return false; // a leading zero that nothing asks for
            }

            content = content[1..];
        }

        if (content.Length > number.Length)
        {
            return false;
        }

        number.Clear();
        content.CopyTo(number[(number.Length - content.Length)..]);
        return true;
    }

    private static int WidthOf(ECDsa key) => (key.KeySize + 7) / 8;
}
