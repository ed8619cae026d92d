namespace PolicyService.Fuzz;

/// <summary>
/// An input to start from. One whose name begins with <c>known-</c> is a genuine key, signature or payload; the targets take these
/// for the only ones there are, because nobody kept the private keys.
/// </summary>
public sealed record Seed(string Name, byte[] Content)
{
    private static string Root => Path.Combine(AppContext.BaseDirectory, "seeds");

    public static IReadOnlyList<Seed> Of(string target) =>
        [.. Directory.GetFiles(Path.Combine(Root, target)).Order(StringComparer.Ordinal).Select(file => new Seed(Path.GetFileName(file), File.ReadAllBytes(file)))];

    internal static IEnumerable<byte[]> Known(string target) =>
        Of(target).Where(seed => seed.Name.StartsWith("known-", StringComparison.Ordinal)).Select(seed => seed.Content);
}
