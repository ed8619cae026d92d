using System.Text;
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
        using var written = new MemoryStream();
        using (var writer = new Utf8JsonWriter(written, Readable))
        {
            write(writer);
        }

        output.Write(Encoding.UTF8.GetBytes(Printable.Json(Encoding.UTF8.GetString(written.GetBuffer().AsSpan(0, (int)written.Length)))));
        output.Write("\n"u8);
    }
}
