using System.CommandLine;
using PolicyService.Cli.Demo;
using PolicyService.Cli.Outputs;

namespace PolicyService.Cli.Verbs;

/// <summary><c>policyctl demo</c>: a real server, real signatures, five questions.</summary>
internal static class DemoVerb
{
    public static Command Create(Terminal terminal)
    {
        var verb = new Verb(
            "demo",
            "Starts a server on free ports of this machine, signs an image with a fresh key, and asks it five questions.",
            "policyctl demo")
        {
            ExitCodes = """
            0  every answer was the expected one
            1  one was not, or the server did not start
            """,
        };
        verb.SetAction((_, cancellation) => DemoRun.RunAsync(terminal, TimeProvider.System, cancellation));
        return verb;
    }
}
