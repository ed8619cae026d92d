namespace PolicyService.Cli.Demo;

/// <summary>Why the demo cannot go on, with the end of the server's log where that tells more.</summary>
internal sealed class DemoException(string message, IReadOnlyList<string> log) : Exception(message)
{
    public DemoException(string message)
        : this(message, [])
    {
    }

    public IReadOnlyList<string> Log => log;
}
