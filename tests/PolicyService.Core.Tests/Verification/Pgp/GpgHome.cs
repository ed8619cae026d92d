using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using PolicyService.Core.Tests.Verification.Pgp;

[assembly: AssemblyFixture(typeof(GpgHome))]

namespace PolicyService.Core.Tests.Verification.Pgp;

/// <summary>
/// The real gpg with a home of its own, made when a test first asks and removed with its agent at the end. It believes that it is the
/// time it is told, so that keys and signatures are as old as a test wants them.
/// </summary>
public sealed class GpgHome : IDisposable
{
    public const string KeyTime = "20260101T000000";
    public const string SigningTime = "20260201T000000";

    private readonly Lazy<string> _home = new(() => Directory.CreateTempSubdirectory("gpg").FullName);
    private readonly ConcurrentDictionary<string, Lazy<string>> _keys = new();
    private readonly Lock _lock = new();
    private int _names;

    /// <summary>The fingerprint of a key that lives as long as the fixture: tests must not change it.</summary>
    public string Key(string algorithm) => _keys.GetOrAdd(algorithm, name => new Lazy<string>(() => Generate(name))).Value;

    /// <summary>A key with one signing subkey; tests must not change it.</summary>
    public string KeyWithSubkey(string algorithm) => _keys.GetOrAdd($"{algorithm}+", _ => new Lazy<string>(() =>
    {
        var fingerprint = Generate(algorithm);
        AddSubkey(fingerprint, algorithm.StartsWith("nist", StringComparison.Ordinal) ? $"{algorithm}/ecdsa" : algorithm, "sign");
        return fingerprint;
    })).Value;

    /// <summary>Makes a key and gives its fingerprint.</summary>
    public string Generate(string algorithm, string usage = "sign,cert", string expire = "never", string at = KeyTime, params string[] options)
    {
        var name = $"signer {Interlocked.Increment(ref _names)} <signer@example.com>";
        var status = Encoding.UTF8.GetString(Run([], at, [.. options, "--status-fd", "1", "--quick-generate-key", name, algorithm, usage, expire]));
        return status.Split('\n').Single(line => line.Contains("KEY_CREATED", StringComparison.Ordinal)).Split(' ')[^1];
    }

    public void AddSubkey(string fingerprint, string algorithm, string usage, string expire = "never", string at = KeyTime) =>
        Run([], at, "--quick-add-key", fingerprint, algorithm, usage, expire);

    /// <summary>Fingerprints of the key and its subkeys, in order.</summary>
    public IReadOnlyList<string> Fingerprints(string fingerprint) =>
        [.. Encoding.UTF8.GetString(Run([], SigningTime, "--with-colons", "--list-keys", fingerprint)).Split('\n').Where(line => line.StartsWith("fpr:", StringComparison.Ordinal)).Select(line => line.Split(':')[9])];

    public string Export(string fingerprint) => Encoding.UTF8.GetString(Run([], SigningTime, "--armor", "--export", fingerprint));

    /// <summary>Signs with exactly the named key, attached and armored unless the options say otherwise.</summary>
    public byte[] Sign(string fingerprint, byte[] payload, params string[] options) => SignAt(SigningTime, fingerprint, payload, options);

    public byte[] SignAt(string at, string fingerprint, byte[] payload, params string[] options) =>
        Run(payload, at, ["--local-user", $"{fingerprint}!", .. options.Contains("--detach-sign") || options.Contains("--clear-sign") ? options : [.. options, "--sign"]]);

    /// <summary>Answers the questions of <c>--edit-key</c>.</summary>
    public void Edit(string fingerprint, string at, params string[] answers) =>
        Run(Encoding.ASCII.GetBytes(string.Concat(answers.Append("save").Select(answer => $"{answer}\n"))), at, "--no-batch", "--command-fd", "0", "--expert", "--edit-key", fingerprint);

    /// <summary>Takes in the revocation that gpg makes for every new key.</summary>
    public void Revoke(string fingerprint)
    {
        var file = File.ReadAllText(Path.Combine(_home.Value, "openpgp-revocs.d", $"{fingerprint}.rev"));
        Run(Encoding.ASCII.GetBytes(file[(file.IndexOf(":-----BEGIN", StringComparison.Ordinal) + 1)..]), SigningTime, "--import");
    }

    public byte[] Run(byte[] input, string at, params string[] arguments)
    {
        lock (_lock)
        {
            using var process = Start("gpg", ["--batch", "--yes", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", "", "--faked-system-time", $"{at}!", .. arguments]);
            var errors = process.StandardError.ReadToEndAsync();
            var writing = Task.Run(() =>
            {
                process.StandardInput.BaseStream.Write(input);
                process.StandardInput.Close();
            });
            using var output = new MemoryStream();
            process.StandardOutput.BaseStream.CopyTo(output);
            process.WaitForExit();
            writing.Wait();
            return process.ExitCode == 0
                ? output.ToArray()
                : throw new InvalidOperationException($"gpg {string.Join(' ', arguments)}: {errors.Result}");
        }
    }

    public void Dispose()
    {
        if (!_home.IsValueCreated)
        {
            return;
        }

        using (var process = Start("gpgconf", ["--kill", "all"]))
        {
            process.WaitForExit();
        }

        Directory.Delete(_home.Value, recursive: true);
    }

    private Process Start(string file, string[] arguments)
    {
        var start = new ProcessStartInfo(file, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["GNUPGHOME"] = _home.Value;
        start.Environment["LC_ALL"] = "C";
        return Process.Start(start)!;
    }
}
