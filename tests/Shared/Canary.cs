namespace PolicyService.Tests;

/// <summary>
/// Secrets that tests plant wherever the programs take one, all with one marker. It must be in nothing that is printed, answered, counted or
/// recorded: tests look themselves, and <c>tests/run.sh</c> looks through everything the whole suite has left. Files that hold one end in
/// <c>.secret</c>.
/// </summary>
internal static class Canary
{
    public const string Marker = "c4n4ry-5e9d1b";

    /// <summary>A secret, known again by its purpose; more than 32 bytes.</summary>
    public static string For(string purpose) => $"{Marker}-{purpose}-0123456789abcdef0123456789";

    /// <summary>Fails where a text tells a secret.</summary>
    public static void AssertAbsent(string where, string text) =>
        Assert.False(text.Contains(Marker, StringComparison.OrdinalIgnoreCase), $"{where} tells a secret:\n{text}");
}
