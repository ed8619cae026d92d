namespace PolicyService.Evidence.Registries.Credentials;

/// <summary>Reads what others wrote, to its end or to a limit.</summary>
internal static class Bounded
{
    /// <returns>Null: there are more bytes than that.</returns>
    public static async Task<byte[]?> ReadAsync(Stream stream, int maxBytes, CancellationToken cancellation)
    {
        using var content = new MemoryStream();
        var buffer = new byte[Math.Min(maxBytes + 1, 16 * 1024)];
        while (content.Length <= maxBytes)
        {
            var length = await stream.ReadAsync(buffer, cancellation);
            if (length == 0)
            {
                return content.ToArray();
            }

            content.Write(buffer, 0, length);
        }

        return null;
    }
}
