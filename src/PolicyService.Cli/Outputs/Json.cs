using System.Text.Encodings.Web;
using System.Text.Json;

namespace PolicyService.Cli.Outputs;

/// <summary>How JSON for programs is written: UTF-8, indented, one line end after it.</summary>
internal static class Json
{
    private static readonly JsonWriterOptions Readable = new()
    {
        Indented = true,
        NewLine = "\n",
        // The output is read by programs and people, never pasted into HTML: key ids keep their `+`, remedies their quotes.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static void Write(Stream output, Action<Utf8JsonWriter> write)
    {
        using (var writer = new Utf8JsonWriter(output, Readable))
        {
            write(writer);
        }

        output.Write("\n"u8);
    }
}
